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
    "your",
    "x",
]


@pytest.mark.parametrize("part", HOSTILE)
def test_hostile_text_is_cleaned_in_one_pass(part: str) -> None:
    """It would take hours, if the time grew with the square of the length."""
    size = 600_000 if part.startswith((BEGIN, "eyJ")) else 150_000

    assert Persons().cleaned(part * (size // len(part)))[0]
    assert Persons().cleaned(part + " " * size)[0]
