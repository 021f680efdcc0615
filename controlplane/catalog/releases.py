"""Releases from draft to live to deprecated, each step with who, when and why.

Templates and releases are shared rows: all of this is called outside of any tenant.
"""

import uuid
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from pydantic import ValidationError

from controlplane.audit.services import record
from controlplane.catalog.checks import ReleaseInvalid, require_valid
from controlplane.catalog.manifest import Case, Manifest
from controlplane.catalog.models import Release, Template
from controlplane.catalog.names import free_slug
from controlplane.catalog.proof import Proof, Shown, proof_of
from controlplane.catalog.services import get_release
from controlplane.catalog.trying.leftovers import clear_away_everywhere, require_no_trial
from controlplane.core.actor import Actor, ActorKind
from controlplane.core.errors import DomainError, FieldError
from controlplane.workflow.canonical import workflow_hash
from controlplane.workflow.shapes import Json
from tenants.models import Partner

LEAST_REASON = 10


class StepRefused(DomainError):
    code = "release_step_refused"
    status = 409
    title = "The release cannot take this step"


class CasesNotPassed(DomainError):
    code = "release_cases_not_passed"
    status = 409
    title = "Its cases have not passed"


class ReleaseFrozen(DomainError):
    code = "release_frozen"
    status = 409
    title = "The release does not change any more"


class VersionExists(DomainError):
    code = "release_version_exists"
    status = 409
    title = "There is such a version already"


def create_draft(
    *,
    template: Template | None,
    owner: Partner | None,
    manifest: Manifest,
    workflow: Json,
    by: Actor,
    readme: str = "",
    notes: str = "",
    findings: dict[str, Any] | None = None,
) -> Release:
    """A draft of `template`, or of a new one that `owner` has, None for the platform.

    Raises ReleaseInvalid, VersionExists.
    """
    what = f"“{manifest.title}” {manifest.version}"
    require_valid(manifest, workflow, {}, is_ours=False, what=what)
    with transaction.atomic():
        if template is None:
            template = Template.objects.create(
                slug=free_slug(manifest.title, owner),
                title=manifest.title,
                summary=manifest.summary,
                owner=owner,
            )
        try:
            with transaction.atomic():
                release = template.releases.create(
                    version=manifest.version,
                    status=Release.Status.DRAFT,
                    manifest=manifest.model_dump(mode="json"),
                    workflow=workflow,
                    workflow_hash=workflow_hash(workflow),
                    readme=readme,
                    notes=notes,
                    author=by.label,
                    findings=findings or {},
                )
        except IntegrityError as error:
            raise VersionExists(
                f"“{template}” has a version {manifest.version} already. Choose another number.",
                errors=(FieldError("version", "is there already"),),
            ) from error
        release.note_step(Release.Status.DRAFT, by=by.label, note=notes[:500])
        _note("release.drafted", release, by)
    return release


@transaction.atomic
def change_draft(*, release_id: uuid.UUID, by: Actor, **changes: Any) -> Release:
    """Of `manifest`, `cases`, `readme` and `notes`, those that are given.

    Raises ReleaseUnknown, ReleaseFrozen, ReleaseInvalid.
    """
    release = _held(release_id)
    if release.status != Release.Status.DRAFT:
        raise ReleaseFrozen(f"“{release}” was released. Import or load a new version to change it.")
    for name in ("readme", "notes"):
        if name in changes:
            setattr(release, name, changes[name])
    manifest = changes.get("manifest", release.terms)
    cases = read_cases(changes.get("cases", release.cases))
    require_valid(manifest, release.workflow, cases, is_ours=False, what=f"“{release}”")
    release.manifest = manifest.model_dump(mode="json")
    release.cases = {name: case.model_dump(mode="json") for name, case in cases.items()}
    release.save()
    _note("release.changed", release, by, changed=sorted(changes))
    return release


@transaction.atomic
def go_live(*, release_id: uuid.UUID, note: str, by: Actor, despite_cases: bool = False) -> Release:
    """From draft to live: it is offered, and new installations take it.

    Its cases must have passed for it as it is now; where none is possible (`proof_of`), a person
    says why in `note`. `despite_cases` is a platform admin's, for cases that are missing: what
    failed never goes live. Raises ReleaseUnknown, StepRefused, ReleaseInvalid, CasesNotPassed.
    """
    release = _held(release_id)
    if release.status == Release.Status.LIVE:
        return release
    if release.status != Release.Status.DRAFT:
        raise StepRefused(f"“{release}” is {release.get_status_display()}. Release a new version.")
    require_valid(
        release.terms,
        release.workflow,
        read_cases(release.cases),
        is_ours=False,
        what=f"“{release}”",
    )
    proof = proof_of(release)
    _require_proof(proof, note, despite_cases, by)
    release.released_at = timezone.now()
    release.note_step(Release.Status.LIVE, by=by.label, note=note)
    Template.objects.filter(pk=release.template_id).update(
        title=release.terms.title, summary=release.terms.summary, updated_at=timezone.now()
    )
    _note("release.live", release, by, note=note, despite=proof.told)
    return release


@transaction.atomic
def deprecate(*, release_id: uuid.UUID, note: str, by: Actor) -> Release:
    """From live to deprecated: it is not offered any more; what is installed of it goes on.

    Raises ReleaseUnknown, StepRefused.
    """
    release = _held(release_id)
    if release.status == Release.Status.DRAFT:
        raise StepRefused(f"“{release}” is a draft, which nobody has. Discard it instead.")
    if release.status == Release.Status.LIVE:
        release.note_step(Release.Status.DEPRECATED, by=by.label, note=note)
        _note("release.deprecated", release, by, note=note)
    return release


def discard(*, release_id: uuid.UUID, by: Actor) -> None:
    """A draft, what trials left of it, and its template where that has nothing else.

    Called in no transaction: n8n is asked. Raises ReleaseUnknown, StepRefused, TrialUnderWay,
    DraftCloned, NoWorkspace, InstanceError.
    """
    release = get_release(release_id)
    _require_discardable(release)
    clear_away_everywhere(release)
    with transaction.atomic():
        release = _held(release_id)
        _require_discardable(release)
        template = release.template
        _note("release.discarded", release, by)
        release.delete()
        if template.owner_id is not None and not template.releases.exists():
            template.delete()


def _require_discardable(release: Release) -> None:
    """Raises StepRefused, TrialUnderWay."""
    if release.status != Release.Status.DRAFT:
        raise StepRefused(f"“{release}” was released, and stays. It can be deprecated.")
    require_no_trial(release)


def _require_proof(proof: Proof, note: str, despite_cases: bool, by: Actor) -> None:
    """Raises CasesNotPassed."""
    if proof.shown == Shown.PASSED:
        return
    is_persons = proof.shown == Shown.IMPOSSIBLE and by.kind == ActorKind.MEMBER
    if proof.shown == Shown.FAILED or not (despite_cases or is_persons):
        raise CasesNotPassed(proof.told)
    if len(note.strip()) < LEAST_REASON:
        raise CasesNotPassed(
            f"{proof.told} To release it without them, say why.",
            errors=(FieldError("note", "must say why, in ten characters or more"),),
        )


def read_cases(stored: dict[str, Any]) -> dict[str, Case]:
    """Raises ReleaseInvalid with the field at fault."""
    found, errors = {}, []
    for name, case in stored.items():
        try:
            found[name] = Case.model_validate(case)
        except ValidationError as error:
            errors += [
                FieldError(".".join(map(str, ("cases", name, *fault["loc"]))), fault["msg"])
                for fault in error.errors()
            ]
    if errors:
        told = "; ".join(f"{fault.field}: {fault.message}" for fault in errors)
        raise ReleaseInvalid(f"The cases cannot be read: {told}.", errors=tuple(errors))
    return found


def _held(release_id: uuid.UUID) -> Release:
    """Its row, locked until the commit. Raises ReleaseUnknown."""
    get_release(release_id)
    return (
        Release.objects.select_related("template")
        .select_for_update(of=("self",))
        .get(pk=release_id)
    )


def _note(action: str, release: Release, by: Actor, **data: Any) -> None:
    record(
        action=action,
        subject_type="release",
        subject_id=str(release.pk),
        data={
            "template": release.template.slug,
            "version": release.version,
            "hash": release.workflow_hash,
            **data,
        },
        by=by,
    )
