"""What the docs call by `manage.py` is what Django runs: no library's command stands before it."""

from django.apps import apps
from django.core.management import find_commands, get_commands


def test_no_command_of_ours_is_hidden_by_a_librarys() -> None:
    ours = {
        name: app.name
        for app in apps.get_app_configs()
        if app.name.startswith(("controlplane.", "tenants"))
        for name in find_commands(f"{app.path}/management")
    }

    assert "create_tenant" in ours
    assert {name: get_commands()[name] for name in ours} == ours
