"""Short names that no tenant may have, for every door that takes one."""

HOSTILE_SLUGS = [
    "", " ", "-", "a-", "-a", "1st", "a b", "a_b", "A", "ab\n", "a.b", "a/b", "../a", "a\x00",
    "a'b", 'a"b', "a;drop schema public", "a--", "xn--nrdwind-90a", "ab--c",
    "nоrdwind",  # a Cyrillic o
    "ｎordwind", "nordwınd", "straße", "nord​wind", "١",
    "www", "api", "admin", "mail", "static", "support", "public", "information-schema", "t",
    "pg-catalog", "pg-toast", "pg_catalog", "postgres", "spare-1", "template-tenant",
    "nordwind-sandbox", "a" * 33, "a" * 64, "a" * 1000,
]  # fmt: skip
