"""The portal's addresses, one namespace for each noun."""

from django.urls import include, path

from controlplane.portal.views import (
    approval_links,
    approval_rules,
    approval_thread,
    approvals,
    audit,
    brand,
    collections,
    connections,
    contact,
    data,
    decisions,
    delegations,
    exceptions,
    goods_receipts,
    home,
    installations,
    invitations,
    invoices,
    keys,
    knowledge,
    orders,
    partner_rule_simulations,
    partner_rule_versions,
    partner_rules,
    pauses,
    people,
    policies,
    policy_versions,
    profile,
    purchase_orders,
    questions,
    releases,
    rollouts,
    sandbox,
    security_events,
    sign_on,
    simulations,
    sources,
    support_access,
    templates,
    tickets,
    upgrades,
)

audit_urls = [
    path("", audit.index, name="list"),
    path("verification/", audit.verify, name="verify"),
    path("export/", audit.export, name="export"),
    path("<int:sequence>-<slug:mark>/", audit.detail, name="detail"),
]
approval_urls = [
    path("", approvals.index, name="list"),
    path("count/", approvals.count, name="count"),
    path("<uuid:approval_id>/", approvals.detail, name="detail"),
    path("<uuid:approval_id>/decision/", approvals.decide, name="decide"),
    path("<uuid:approval_id>/progress/", approvals.progress, name="progress"),
    path("<uuid:approval_id>/comments/", approval_thread.comment, name="comment"),
    path("<uuid:approval_id>/files/", approval_thread.attach, name="attach"),
    path(
        "<uuid:approval_id>/files/<uuid:attachment_id>/",
        approval_thread.attachment,
        name="attachment",
    ),
    path("by-mail/<str:token>/", approval_links.answer, name="by_mail"),
    path("delegations/", delegations.index, name="delegations"),
    path("delegations/new/", delegations.create, name="delegation_create"),
    path("delegations/<uuid:delegation_id>/end/", delegations.revoke, name="delegation_revoke"),
    path("routes/", approval_rules.route_list, name="routes"),
    path("routes/new/", approval_rules.route_create, name="route_create"),
    path("routes/<uuid:route_id>/", approval_rules.route_edit, name="route_edit"),
    path("routes/<uuid:route_id>/delete/", approval_rules.route_delete, name="route_delete"),
    path("groups/", approval_rules.group_list, name="groups"),
    path("groups/new/", approval_rules.group_create, name="group_create"),
    path("groups/<uuid:group_id>/", approval_rules.group_edit, name="group_edit"),
    path("groups/<uuid:group_id>/delete/", approval_rules.group_delete, name="group_delete"),
]
order_urls = [
    path("", orders.index, name="list"),
    path("<uuid:order_id>/", orders.detail, name="detail"),
]
invoice_urls = [
    path("", invoices.index, name="list"),
    path("upload/", invoices.upload, name="upload"),
    path("<uuid:invoice_id>/", invoices.detail, name="detail"),
    path("<uuid:invoice_id>/state/", invoices.state, name="state"),
    path("<uuid:invoice_id>/document/", invoices.document, name="document"),
    path("<uuid:invoice_id>/pages/<int:number>/", invoices.page, name="page"),
    path("<uuid:invoice_id>/pages/<int:number>.png", invoices.page_image, name="page_image"),
    path("<uuid:invoice_id>/fields/", invoices.correct, name="correct"),
    path("<uuid:invoice_id>/fields/lines/", invoices.more_lines, name="more_lines"),
    path("<uuid:invoice_id>/match/", invoices.match, name="match"),
    path("<uuid:invoice_id>/read-again/", invoices.read_again, name="read_again"),
]
purchase_order_urls = [
    path("", purchase_orders.index, name="list"),
    path("import/", purchase_orders.import_file, name="import"),
    path("example.csv", purchase_orders.example, name="example"),
    path("<uuid:purchase_order_id>/", purchase_orders.detail, name="detail"),
]
goods_receipt_urls = [
    path("", goods_receipts.index, name="list"),
    path("import/", goods_receipts.import_file, name="import"),
    path("example.csv", goods_receipts.example, name="example"),
    path("<uuid:goods_receipt_id>/", goods_receipts.detail, name="detail"),
]
ticket_urls = [
    path("", tickets.index, name="list"),
    path("new/", tickets.create, name="create"),
    path("<uuid:ticket_id>/", tickets.detail, name="detail"),
    path("<uuid:ticket_id>/news/", tickets.news, name="news"),
    path("<uuid:ticket_id>/triage/", tickets.correct, name="correct"),
    path("<uuid:ticket_id>/reply/", tickets.send_again, name="send_again"),
    path("<uuid:ticket_id>/closing/", tickets.close, name="close"),
]
contact_urls = [
    path("", contact.write, name="write"),
    path("thanks/", contact.thanks, name="thanks"),
]
knowledge_urls = [
    path("", knowledge.index, name="list"),
    path("collections/", collections.index, name="collections"),
    path("collections/<uuid:collection_id>/", collections.change, name="collection"),
    path("try/", questions.ask, name="try"),
    path("answers/<uuid:answer_id>/", questions.answer, name="answer"),
    path("documents/new/", knowledge.create, name="create"),
    path("documents/<uuid:document_id>/", knowledge.detail, name="detail"),
    path("documents/<uuid:document_id>/retire/", knowledge.retire, name="retire"),
    path("documents/<uuid:document_id>/versions/", knowledge.add_version, name="versions"),
    path(
        "documents/<uuid:document_id>/versions/<int:number>/approve/",
        knowledge.approve,
        name="approve",
    ),
    path(
        "documents/<uuid:document_id>/versions/<int:number>/state/", knowledge.state, name="state"
    ),
]
installation_urls = [
    path("", installations.index, name="list"),
    path("<uuid:installation_id>/", installations.detail, name="detail"),
    path("<uuid:installation_id>/state/", installations.state, name="state"),
    path("<uuid:installation_id>/runs/", installations.runs, name="runs"),
    path("<uuid:installation_id>/parameters/", installations.parameters, name="parameters"),
    path("<uuid:installation_id>/cases/", installations.cases, name="cases"),
    path("<uuid:installation_id>/retry/", installations.retry, name="retry"),
    path("<uuid:installation_id>/remove/", installations.remove, name="remove"),
    path("<uuid:installation_id>/pause/", pauses.pause, name="pause"),
    path("<uuid:installation_id>/resume/", pauses.resume, name="resume"),
    path("<uuid:installation_id>/held/", pauses.held, name="held"),
    path("<uuid:installation_id>/by-hand/", pauses.by_hand, name="by_hand"),
    path("<uuid:installation_id>/changes/", upgrades.changes, name="changes"),
    path("<uuid:installation_id>/changes/look/", upgrades.look_again, name="look"),
    path("<uuid:installation_id>/upgrade/", upgrades.upgrade, name="upgrade"),
    path(
        "<uuid:installation_id>/upgrades/<uuid:upgrade_id>/",
        upgrades.upgrade_state,
        name="upgrade_state",
    ),
    path(
        "<uuid:installation_id>/upgrades/<uuid:upgrade_id>/retry/",
        upgrades.retry,
        name="upgrade_retry",
    ),
    path("<uuid:installation_id>/versions/", upgrades.versions, name="versions"),
    path("<uuid:installation_id>/versions/<uuid:snapshot_id>/", upgrades.version, name="version"),
    path(
        "<uuid:installation_id>/versions/<uuid:snapshot_id>/restore/",
        upgrades.restore,
        name="restore",
    ),
]
release_urls = [
    path("", releases.index, name="list"),
    path("import/", releases.import_file, name="import"),
    path("<uuid:release_id>/", releases.detail, name="detail"),
    path("<uuid:release_id>/edit/", releases.edit, name="edit"),
    path("<uuid:release_id>/parameters/", releases.confirm, name="confirm"),
    path("<uuid:release_id>/trial/", releases.trial, name="trial"),
    path("<uuid:release_id>/shape/", releases.shape, name="shape"),
    path("<uuid:release_id>/<slug:verb>/", releases.step, name="step"),
]
template_urls = [
    path("", templates.index, name="list"),
    path("<slug:slug>/", templates.detail, name="detail"),
    path("<slug:slug>/clone/", templates.clone, name="clone"),
    path("<slug:slug>/rehearsal/", templates.rehearsal, name="rehearsal"),
]
support_access_urls = [
    path("", support_access.index, name="list"),
    path("enter/", support_access.enter, name="enter"),
    path("leave/", support_access.leave, name="leave"),
]
exception_urls = [
    path("", exceptions.index, name="list"),
    path("bulk/", exceptions.bulk, name="bulk"),
    path("<uuid:exception_id>/", exceptions.detail, name="detail"),
    path("<uuid:exception_id>/comment/", exceptions.comment, name="comment"),
    path("<uuid:exception_id>/assign/", exceptions.assign, name="assign"),
    path("<uuid:exception_id>/retry/", exceptions.retry, name="retry"),
    path("<uuid:exception_id>/edit/", exceptions.edit, name="edit"),
    path("<uuid:exception_id>/resolve/", exceptions.resolve, name="resolve"),
]
connection_urls = [
    path("", connections.index, name="list"),
    path("new/", connections.choose, name="choose"),
    path("new/<slug:kind>/", connections.create, name="create"),
    path("<uuid:connection_id>/", connections.detail, name="detail"),
    path("<uuid:connection_id>/edit/", connections.edit, name="edit"),
    path("<uuid:connection_id>/check/", connections.check, name="check"),
    path("<uuid:connection_id>/remove/", connections.remove, name="remove"),
]
source_urls = [
    path("", sources.index, name="list"),
    path("new/", sources.create, name="create"),
    path("<slug:slug>/", sources.detail, name="detail"),
    path("<slug:slug>/deliveries/", sources.deliveries, name="deliveries"),
    path("<slug:slug>/secret/", sources.replace_secret, name="secret"),
    path("<slug:slug>/secret/end/", sources.end_previous_secret, name="end-previous"),
    path("<slug:slug>/options/", sources.options, name="options"),
    path("<slug:slug>/test/", sources.test, name="test"),
    path("<slug:slug>/test/<uuid:event_id>/", sources.test_state, name="test_state"),
]
_policy, _version = "<uuid:policy_id>/", "<uuid:policy_id>/versions/<int:number>/"
policy_urls = [
    path("", policies.index, name="list"),
    path("new/", policies.create, name="create"),
    path("terms/", policies.terms, name="terms"),
    path("contexts/<slug:name>/", policies.context_page, name="context"),
    path("contexts/<slug:name>.json", policies.context_fields, name="fields"),
    path("simulations/<uuid:run_id>/", simulations.detail, name="simulation"),
    path("simulations/<uuid:run_id>/state/", simulations.state, name="simulation_state"),
    path("simulations/<uuid:run_id>/cancel/", simulations.cancel, name="cancel_simulation"),
    path(_policy, policies.detail, name="detail"),
    path(f"{_policy}draft/", policies.draft, name="draft"),
    path(f"{_policy}check/", policies.check, name="check"),
    path(f"{_policy}submit/", policies.submit, name="submit"),
    path(f"{_policy}simulate/", simulations.start, name="simulate"),
    path(_version, policy_versions.detail, name="version"),
    path(f"{_version}approve/", policy_versions.approve, name="approve"),
    path(f"{_version}publish/", policy_versions.publish, name="publish"),
    path(f"{_version}withdraw/", policy_versions.withdraw, name="withdraw"),
    path(f"{_version}roll-back/", policy_versions.roll_back, name="roll_back"),
    path(f"{_version}schedule/", policy_versions.schedule, name="schedule"),
    path(f"{_version}unschedule/", policy_versions.unschedule, name="unschedule"),
]
partner_rule_urls = [
    path("", partner_rules.index, name="list"),
    path("new/", partner_rules.create, name="create"),
    path("simulations/<uuid:run_id>/", partner_rule_simulations.detail, name="simulation"),
    path(
        "simulations/<uuid:run_id>/state/", partner_rule_simulations.state, name="simulation_state"
    ),
    path(
        "simulations/<uuid:run_id>/cancel/",
        partner_rule_simulations.cancel,
        name="cancel_simulation",
    ),
    path(_policy, partner_rules.detail, name="detail"),
    path(f"{_policy}draft/", partner_rules.draft, name="draft"),
    path(f"{_policy}check/", partner_rules.check, name="check"),
    path(f"{_policy}submit/", partner_rules.submit, name="submit"),
    path(f"{_policy}simulate/", partner_rule_simulations.start, name="simulate"),
    path(_version, partner_rule_versions.detail, name="version"),
    path(f"{_version}approve/", partner_rule_versions.approve, name="approve"),
    path(f"{_version}publish/", partner_rule_versions.publish, name="publish"),
    path(f"{_version}withdraw/", partner_rule_versions.withdraw, name="withdraw"),
    path(f"{_version}retire/", partner_rule_versions.retire, name="retire"),
    path(f"{_version}roll-back/", partner_rule_versions.roll_back, name="roll_back"),
    path(f"{_version}schedule/", partner_rule_versions.schedule, name="schedule"),
    path(f"{_version}unschedule/", partner_rule_versions.unschedule, name="unschedule"),
]
rollout_urls = [
    path("", rollouts.index, name="list"),
    path("new/", rollouts.begin, name="begin"),
    path("<uuid:rollout_id>/", rollouts.detail, name="detail"),
    path("<uuid:rollout_id>/state/", rollouts.state, name="state"),
    path("<uuid:rollout_id>/step/", rollouts.step, name="step"),
]
decision_urls = [
    path("", decisions.index, name="list"),
    path("<uuid:decision_id>/", decisions.detail, name="detail"),
    path("<uuid:decision_id>/override/", decisions.override, name="override"),
]
sandbox_urls = [
    path("", sandbox.show, name="show"),
    path("state/", sandbox.state, name="state"),
    path("create/", sandbox.create, name="create"),
    path("copy/", sandbox.copy, name="copy"),
    path("reset/", sandbox.reset, name="reset"),
    path("remove/", sandbox.remove, name="remove"),
]

key_urls = [
    path("", keys.index, name="list"),
    path("new/", keys.create, name="create"),
    path("<uuid:key_id>/", keys.detail, name="detail"),
    path("<uuid:key_id>/rotate/", keys.rotate, name="rotate"),
    path("<uuid:key_id>/revoke/", keys.revoke, name="revoke"),
]
invitation_urls = [
    path("", invitations.index, name="list"),
    path("new/", invitations.create, name="create"),
    path("<uuid:invitation_id>/revoke/", invitations.revoke, name="revoke"),
]
# Named as allauth names them.
sign_on_urls = [
    path("cancelled/", sign_on.cancelled, name="socialaccount_login_cancelled"),
    path("<uuid:provider_id>/login/", sign_on.leave, name="openid_connect_login"),
    path("<uuid:provider_id>/login/callback/", sign_on.come_back, name="openid_connect_callback"),
]

urlpatterns = [
    path("", home.home, name="home"),
    path("brand.css", brand.stylesheet, name="brand_css"),
    path("brand.svg", brand.mark, name="brand_mark"),
    path("brand/logo", brand.logo, name="brand_logo"),
    path("profile/", profile.profile, name="profile"),
    path("partners/", people.partners, name="partners"),
    path("customers/", people.customers, name="customers"),
    path("members/", people.members, name="members"),
    path("members/<uuid:member_id>/role/", people.change_role, name="member_role"),
    path("members/<uuid:member_id>/removal/", people.remove_member, name="member_removal"),
    path("accounts/", include("controlplane.portal.account_urls")),
    path("accounts/sso/", include(sign_on_urls)),
    path("invitations/<str:token>/", invitations.accept, name="invitation"),
    path("members/invitations/", include((invitation_urls, "invitations"))),
    path("keys/", include((key_urls, "keys"))),
    path("security/", security_events.index, name="security_events"),
    path("audit/", include((audit_urls, "audit"))),
    path("approvals/", include((approval_urls, "approvals"))),
    path("orders/", include((order_urls, "orders"))),
    path("invoices/", include((invoice_urls, "invoices"))),
    path("purchase-orders/", include((purchase_order_urls, "purchase_orders"))),
    path("goods-receipts/", include((goods_receipt_urls, "goods_receipts"))),
    path("tickets/", include((ticket_urls, "tickets"))),
    path("knowledge/", include((knowledge_urls, "knowledge"))),
    path("support/", include((contact_urls, "contact"))),
    path("support-access/", include((support_access_urls, "support_access"))),
    path("installations/", include((installation_urls, "installations"))),
    path("templates/own/", include((release_urls, "releases"))),
    path("templates/", include((template_urls, "templates"))),
    path("policies/", include((policy_urls, "policies"))),
    path("partner-rules/", include((partner_rule_urls, "partner_rules"))),
    path("rollouts/", include((rollout_urls, "rollouts"))),
    path("decisions/", include((decision_urls, "decisions"))),
    path("data/", data.index, name="data"),
    path("sandbox/", include((sandbox_urls, "sandbox"))),
    path("connections/", include((connection_urls, "connections"))),
    path("sources/", include((source_urls, "sources"))),
    path("exceptions/", include((exception_urls, "exceptions"))),
]
