"""What language models cost a tenant in a month, by the prices in the settings."""

from datetime import date
from decimal import ROUND_CEILING, Decimal

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from tenants.context import current_tenant, outside
from tenants.limits.plans import USD, Resource
from tenants.limits.refusal import LimitReached
from tenants.models import ModelSpend, Tenant


def cost_of(*, tokens_in: int, tokens_out: int) -> int:
    """Millionths of a US dollar, rounded up. A price is dollars for a million tokens, and so is
    millionths of a dollar for one."""
    cost = tokens_in * settings.LLM_PRICE_IN + tokens_out * settings.LLM_PRICE_OUT
    return int(Decimal(cost).to_integral_value(rounding=ROUND_CEILING))


def assert_may_spend() -> None:
    """Within a tenant and no transaction, before a model is asked. Raises LimitReached."""
    tenant = current_tenant()
    allowed = tenant.allowances[Resource.MODEL_SPEND]
    with outside():
        spent = spent_by(tenant)
    if spent >= allowed:
        raise LimitReached(
            f"{tenant} may spend {allowed / USD:.2f} US dollars a month on language models, and "
            "has. Answers are quoted from their sources until the month ends.",
            code="model_quota_reached",
            retry_after=86_400,
        )


def add(*, tokens_in: int, tokens_out: int) -> None:
    """Within a tenant and no transaction, after an answer."""
    cost = cost_of(tokens_in=tokens_in, tokens_out=tokens_out)
    if not cost:
        return
    tenant = current_tenant()
    with outside():
        row, _new = ModelSpend.objects.get_or_create(tenant=tenant, month=this_month())
        ModelSpend.objects.filter(pk=row.pk).update(amount=F("amount") + cost)


def spent_by(tenant: Tenant) -> int:
    """This month (UTC), in millionths of a US dollar. Outside of tenants."""
    found = ModelSpend.objects.filter(tenant=tenant, month=this_month()).first()
    return found.amount if found else 0


def this_month() -> date:
    """Its first day (UTC)."""
    return timezone.now().date().replace(day=1)
