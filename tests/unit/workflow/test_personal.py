"""Secrets and addresses in text: what goes, what only looks like one, and hostile text."""

import json

import pytest

from controlplane.workflow.importer.personal import Persons

# Put together, so that no scanner takes them for real ones.
KEY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7xxxYOURb9dEk0Q1\n" * 3
BEGIN, END = "-----BEGIN " + "PRIVATE KEY-----", "-----END " + "PRIVATE KEY-----"
TOKEN = "AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
SECRETS = {
    "a key with xxx and your by chance": (f"{BEGIN}\n{KEY}{END}\n", KEY[:60]),
    "a key in one line of JSON": (json.dumps(f"{BEGIN}\n{KEY}{END}\n"), KEY[:60]),
    "a key that was cut off": (f"See:\n{BEGIN}\n{KEY}{KEY[:40]}", KEY[:40]),
    "a key with headers, cut off": (f"{BEGIN}\nProc-Type: 4,ENCRYPTED\n\n{KEY}", KEY[:60]),
    "a token with your by chance": (
        "eyJ" + "hbGciOiJIUzI1NiJ9.eyJzdWIiOiJ5b3VyIn0." + "aYOURb1cd2e3f4g5h6",
        "hbGciOi",
    ),
    "a key of OpenAI's with xxx": ("sk-" + "a1B2c3D4e5F6g7xxxH8i9J0k1L2m3N4", "e5F6g7"),
    "Telegram's in an address": (
        f"https://api.telegram.org/bot1234567890:{TOKEN}/sendMessage",
        TOKEN,
    ),
    "a header in JSON": ('{"api-key":"1234567890abcdef1234"}', "1234567890abcdef1234"),
    "a header in JSON in JSON": ('{\\"api-key\\": \\"1234567890abcdef1234\\"}', "1234567890abc"),
    "a header in a command": ("curl -H 'X-API-Key: ABCDEFGHIJKLMNOPQR' https://a.io", "ABCDEFGH"),
    "a constant in code": ("const apiKey = 'a1b2c3d4e5f6';", "a1b2c3d4e5f6"),
    "Zapier's hook": ("https://hooks.zapier.com/hooks/catch/1234567/abc12de/", "1234567/abc"),
    "Make's hook": ("https://hook.eu1.make.com/abcdefghijklmnopqrstuvwxyz012345", "abcdefghij"),
    "Integromat's hook": ("https://hook.integromat.com/abcdefghijklmnopqrstuvwxyz0", "abcdefghij"),
    "Teams' hook": (
        "https://acme.webhook.office.com/webhookb2/0f6c1a52-1c0e@9d43/IncomingWebhook/a1b2",
        "0f6c1a52",
    ),
    "Slack's hook": ("https://hooks.slack.com/services/T0/B0/abcdefghijklm", "abcdefgh"),
    "Slack's hook of a workflow": (
        "https://hooks.slack.com/workflows/T01/A01/123/abcdefghi",
        "abcdefgh",
    ),
    "Discord's hook": ("https://discord.com/api/v10/webhooks/123456789/abc_def-ghi", "abc_def"),
    "IFTTT's hook": ("https://maker.ifttt.com/trigger/x/with/key/abcDEF123456", "abcDEF"),
}

HEX, LETTERS = "0a1b2c3d4e5f6789" * 4, "aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV" * 4
BARE = {
    "ours": ("pgl_live_", f"{HEX[:12]}_{HEX}"),
    "ours in a sandbox": ("pgl_test_", f"{HEX[:12]}_{HEX}"),
    "ours of an older form": ("pgl_", f"{HEX[:12]}_{HEX}"),
    "our token of a run": ("pgl1.r.", f"1790000000.{LETTERS[:43]}"),
    "n8n's": ("n8n_api_", HEX[:40]),
    "Shopify's": ("shpat_", HEX[:32]),
    "a hook's": ("whsec_", LETTERS[:32]),
    "DigitalOcean's": ("dop_v1_", HEX),
    "Google's of a client": ("GOCSPX-", LETTERS[:28]),
    "Google's for an hour": ("ya29.", "a0" + LETTERS[:60]),
    "Google's to refresh": ("1//0", "3" + LETTERS[:60]),
    "Notion's": ("ntn_", LETTERS[:46]),
    "Notion's of an older form": ("secret_", LETTERS[:43]),
    "HubSpot's": ("pat-na1-", "0a1b2c3d-4e5f-4a1b-8c2d-0a1b2c3d4e5f"),
    "Linear's": ("lin_api_", LETTERS[:40]),
    "Groq's": ("gsk_", LETTERS[:52]),
    "xAI's": ("xai-", LETTERS[:80]),
    "Tavily's": ("tvly-", f"dev-{LETTERS[:32]}"),
    "Pinecone's": ("pcsk_", f"{LETTERS[:6]}_{LETTERS[:63]}"),
    "Replicate's": ("r8_", LETTERS[:37]),
    "Brevo's": ("xkeysib-", f"{HEX}-{LETTERS[:16]}"),
    "Atlassian's": ("ATATT3x", f"FfGF0{LETTERS}=0A1B2C3D"),
    "Azure's": (
        "DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=",
        f"{LETTERS[:80]}+/9abc==",
    ),
    "Discord's": ("MTA", f"{LETTERS[:23]}.GaB1c-.{LETTERS[:38]}"),
    "Square's": ("sq0atp-", LETTERS[:22]),
    "Mailchimp's": ("", f"{HEX[:32]}-us12"),
}


@pytest.mark.parametrize(("begin", "rest"), BARE.values(), ids=BARE)
def test_no_key_stays_that_is_known_by_its_form(begin: str, rest: str) -> None:
    for text in (begin + rest, f'const t = "{begin}{rest}";', f"={begin}{rest}"):
        clean, found = Persons().cleaned(text)

        assert found
        assert not [part for part in rest.split(".") if part in clean]
        assert Persons().cleaned(clean) == (clean, False)


@pytest.mark.parametrize(("text", "secret"), SECRETS.values(), ids=SECRETS)
def test_no_secret_stays_in_text(text: str, secret: str) -> None:
    assert secret in text
    clean, found = Persons().cleaned(text)

    assert found
    assert secret not in clean
    assert Persons().cleaned(clean) == (clean, False)


NO_SECRETS = [
    f"{BEGIN}\nYOUR PRIVATE KEY\n{END}",
    f"A key begins with {BEGIN} and ends with {END[:9]}.",
    "sk-your-openai-api-key-here-xxxxxxxx",
    "const token = $input.first().json.token;",
    "const apiKey = config.openai2.apiKeyForProduction;",
    "password: user2.passwordFromInput,",
    '{"token": "{{ $json.token1 }}", "api_key": "YOUR_API_KEY1"}',
    '{"authorization": "none"}',
    "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "https://api.telegram.org/bot{{ $json.token }}/sendMessage",
    "secret_access_key_of_the_bucket_where_invoices_are",
    "const shpat_header = items.map(whsec_of); // pat-na1-then-the-rest, gsk_and_xai-keys",
    "tvly-YOUR_API_KEY_GOES_HERE",
    "GOCSPX-xxxxxxxxxxxxxxxxxxxxxxxx",
    "https://a.io/1//0abcdefghijklmnopqrstuvwxyz",
    "AccountKey={{ $vars.key }};EndpointSuffix=core.windows.net",
    "Module.exports.ThisIsTheNameOfAMethodOfSomeLength",
    f"{HEX[:32]}-use",
    f"{HEX[:32]} and {HEX}",
]


@pytest.mark.parametrize("text", NO_SECRETS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Persons().cleaned(text) == (text, False)


HOSTILE = [
    f"{BEGIN}\n",
    f"{BEGIN}\n{KEY}",
    f"{BEGIN} - ----",
    f"{BEGIN}\nA: b\n\n ",
    "eyJabcdefghijk-",
    "eyJabcdefghijk.",
    "sk-a-",
    "Bearer ",
    "Bearer" + " " * 40,
    "token ",
    "api-key: ",
    "x-api-",
    '"token" : ',
    "?key=",
    "a@",
    "a.b@c.",
    "https://a:b",
    "C:\\Users\\",
    "/ho" + "me/a",
    "SG.aaaaaaaaaaaaaaaaaa-",
    "-_" * 20,
    "hooks.zapier.com/",
    "maker.ifttt.com/trigger/",
    "12345678:",
    "pgl_a_",
    f"pgl_live_{'0' * 12}_",
    "tvly-",
    "pcsk_",
    "1//0",
    "M-",
    f"{'M' * 24}.",
    f"{'M' * 24}.abcdef.",
    "AccountKey=",
    "0a1b2c3d" * 4 + "-us",
    "ATATT3x-",
    "secret_",
    "your",
    "x",
]


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_text_is_cleaned_in_one_pass(part: str) -> None:
    """It would take hours, if the time grew with the square of the length."""
    size = 600_000 if part.startswith((BEGIN, "eyJ")) else 150_000

    assert Persons().cleaned(part * (size // len(part)))[0]
    assert Persons().cleaned(part + " " * size)[0]
