"""A person's place by the admin's form: one, and none that would never count."""

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tenants.models import Member, Partner, Tenant

ADD = "/admin/tenants/member/add/"


@pytest.fixture
def form(db: None) -> dict[str, Any]:
    ada = User.objects.create_user("ada", "ada@example.com")
    return {"user": ada.pk, "role": "approver"}


@pytest.mark.parametrize("both", [True, False])
def test_a_partner_or_a_tenant_is_chosen_and_one_of_them(
    both: bool, operator: Client, form: dict[str, Any], north: Tenant
) -> None:
    places = {"tenant": north.pk, "partner": Partner.objects.get(slug="partner-north").pk}

    answer = operator.post(ADD, {**form, **(places if both else {})})

    told = answer.context["adminform"].form.errors
    assert told == {"partner": ["Choose a partner or a tenant, one of them."]}
    assert not Member.objects.exists()


def test_a_sandbox_is_refused_with_the_name_of_its_production(
    operator: Client, form: dict[str, Any], north: Tenant, south: Tenant
) -> None:
    Tenant.objects.filter(pk=south.pk).update(environment="sandbox", sandbox_of=north)

    answer = operator.post(ADD, {**form, "tenant": south.pk})

    told = answer.context["adminform"].form.errors
    assert told == {"tenant": ["Choose North instead: its members come into the sandbox too."]}
    assert operator.post(ADD, {**form, "tenant": north.pk}).status_code == 302
    assert Member.objects.get().tenant == north
