"""Releases: what goes live, whose drafts are whose, and where they may be tried."""

from tests.mutation.mutant import Mutant

RULE = ("tests/integration/catalog/test_releases.py",)
TRIALS = ("tests/integration/catalog/test_release_trials.py",)
PAGES = ("tests/integration/portal/test_release_trials.py",)
DOOR = ("tests/integration/api/test_releases.py",)

RELEASES = [
    Mutant(
        "failed-cases-go-live", "the refusal of what failed",
        "controlplane/catalog/releases.py",
        "    if proof.shown == Shown.FAILED or not (despite_cases or is_persons):",
        "    if not (despite_cases or is_persons):", RULE, "what_failed_goes_live",
    ),
    Mutant(
        "cases-made-impossible", "the look at what the workflow itself listens to",
        "controlplane/catalog/proof.py",
        "    return {*release.terms.events, *own, *failed}",
        "    return {*release.terms.events, *failed}", RULE, "left_out_of_the_manifest",
    ),
    Mutant(
        "sandbox-of-any-customer", "the ownership that lets a partner try in a sandbox",
        "controlplane/catalog/trying/trials.py",
        "found.filter(sandbox_of__in=opened).prefetch_related", "found.prefetch_related", TRIALS,
        "only_sandboxes_of_customers",
    ),
    Mutant(
        "draft-changed-meanwhile", "the second look at the draft once its cases ran",
        "controlplane/catalog/trying/trials.py",
        "    _require_same(get_release(release.pk), run)\n", "", TRIALS, "changes_meanwhile",
    ),
    Mutant(
        "tried-in-anybodys-sandbox", "the sandboxes that a page lets somebody choose from",
        "controlplane/portal/views/releases.py",
        '    sandbox = sandboxes.get(request.POST.get("sandbox", ""))',
        '    sandbox = Tenant.objects.filter(pk=request.POST.get("sandbox")).first()', PAGES,
        "sandbox_that_is_not_theirs",
    ),
    Mutant(
        "anybodys-draft-is-cloned", "the owner in the question which draft a sandbox offers",
        "controlplane/catalog/models/templates.py",
        " and self.owner_id in {each.pk for each in drafts_of}:", ":", PAGES, "in_no_list",
    ),
    Mutant(
        "anybodys-release-as-json", "the owner in the API's question which release this is",
        "controlplane/api/releases.py",
        "Release.objects.filter(pk=release_id, template__owner__in=self.owners())",
        "Release.objects.filter(pk=release_id)", DOOR, "nobody_else_has_them",
    ),
]  # fmt: skip
