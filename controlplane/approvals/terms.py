"""By which rules an approval is decided: data that travels with it, kept on its row.

Approvals know no policies. Whoever asks (a route of the tenant, a policy's release, a template's
roll-out) hands the terms over, and they count for that approval whatever the route says later.
"""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from controlplane.core.errors import DomainError, FieldError

Role = Literal["approver", "manager"]
Area = Literal[
    "process_design", "automation", "infrastructure", "optimisation", "support", "escalation"
]
GroupSlug = Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
Outcome = Literal["expired", "rejected", "approved"]

MOST_STEPS = 6
LONGEST_HOURS = 8760


class TermsInvalid(DomainError):
    code = "approval_terms_invalid"
    status = 422
    title = "An approval cannot be decided by such terms"


class Step(BaseModel):
    """Who is asked, how many of them must agree, and how long they have.

    The lists add up: whoever fits one of them may decide. Where all are empty it is everybody whose
    role and ownership let them decide approvals. `hours` ends the step; only a ladder goes on then.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(default="", max_length=60)
    roles: tuple[Role, ...] = ()
    partner_roles: tuple[Role, ...] = ()
    areas: tuple[Area, ...] = ()
    groups: tuple[GroupSlug, ...] = ()
    quorum: int = Field(default=1, ge=1, le=20)
    organisations: int = Field(default=1, ge=1, le=20)
    hours: int | None = Field(default=None, ge=1, le=LONGEST_HOURS)

    @property
    def names_people(self) -> bool:
        return bool(self.roles or self.partner_roles or self.areas or self.groups)

    @model_validator(mode="after")
    def _organisations_fit(self) -> Self:
        if self.organisations > self.quorum:
            raise ValueError(
                f"{self.quorum} people cannot be of {self.organisations} organisations: raise the "
                "quorum or ask for fewer organisations"
            )
        return self


class Terms(BaseModel):
    """The steps of one approval, in order.

    A *ladder* asks the next step when a step's hours are over without a decision; whoever was asked
    before still may answer, and the quorum of any step that was reached decides. A *chain* asks the
    next step once the quorum of the one before has agreed; all have to.
    `rejections`: so many end it as rejected. `expires_in_hours` counts instead of what the workflow
    asked for. `remind_hours`: so long before a step's time is up, those asked are reminded; 0: not.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    steps: tuple[Step, ...] = Field(default=(Step(),), min_length=1, max_length=MOST_STEPS)
    order: Literal["ladder", "chain"] = "ladder"
    rejections: int = Field(default=1, ge=1, le=20)
    on_expiry: Outcome = "expired"
    expires_in_hours: int | None = Field(default=None, ge=1, le=LONGEST_HOURS)
    remind_hours: int = Field(default=0, ge=0, le=720)

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.order == "ladder":
            for number, step in enumerate(self.steps[:-1], start=1):
                if step.hours is None:
                    raise ValueError(f"step {number} needs hours until the next step is asked")
            climbed = sum(step.hours or 0 for step in self.steps[:-1])
            if self.expires_in_hours is not None and climbed >= self.expires_in_hours:
                raise ValueError(
                    f"the last step would be asked after {climbed} hours, when the approval has "
                    f"expired already after {self.expires_in_hours}"
                )
        return self

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


DEFAULT = Terms()
"""Anyone who may decide approvals ends it; unanswered it expires."""


def read_terms(data: Any) -> Terms:
    """Of a row or a form. None means the default. Raises TermsInvalid."""
    if data is None:
        return DEFAULT
    try:
        return Terms.model_validate(data)
    except ValidationError as error:
        problems = tuple(
            FieldError(".".join(map(str, each["loc"])) or "terms", _plain(each["msg"]))
            for each in error.errors()
        )
        raise TermsInvalid(
            f"{'; '.join(f'{each.field}: {each.message}' for each in problems)}.", errors=problems
        ) from None


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")
