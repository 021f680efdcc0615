"""What was agreed with a customer about its data, and which of it holds today."""

from django.db.models import DateField, Func, QuerySet
from django.utils import timezone

from controlplane.core.schema import is_in_tenant
from tenants.context import current_tenant
from tenants.models import Agreement, Tenant

# As SQL, since the question at the door is put together once for all days.
TODAY = Func(template="(now() AT TIME ZONE 'UTC')::date", output_field=DateField())


def agreements_of(tenant: Tenant) -> QuerySet[Agreement]:
    """All that ever held or is to hold, newest first. Outside of tenants."""
    return Agreement.objects.filter(tenant=tenant.customer_id).newest_first()


def agreement_now(tenant: Tenant) -> Agreement | None:
    """The one that holds today (UTC); none where nothing was written down. Outside of tenants."""
    today = timezone.now().date()
    return Agreement.objects.filter(tenant=tenant.customer_id).in_force(on=today).first()


def models_are_agreed() -> bool:
    """Whether a language model may see data of the tenant that is entered.

    Where nothing was agreed it may, and where no tenant is entered there is nothing of one.
    """
    if not is_in_tenant():
        return True
    return current_tenant().profile.ai_assisted != Agreement.Assistance.NONE
