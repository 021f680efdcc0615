"""The portal's addresses, one namespace for each noun."""

from django.urls import include, path

from controlplane.portal.views import (
    approvals,
    audit,
    brand,
    collections,
    contact,
    data,
    goods_receipts,
    home,
    installations,
    invitations,
    invoices,
    keys,
    knowledge,
    orders,
    people,
    profile,
    purchase_orders,
    questions,
    sandbox,
    security_events,
    sign_on,
    sources,
    support_access,
    templates,
    tickets,
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
    path("<uuid:installation_id>/retry/", installations.retry, name="retry"),
    path("<uuid:installation_id>/remove/", installations.remove, name="remove"),
]
template_urls = [
    path("", templates.index, name="list"),
    path("<slug:slug>/clone/", templates.clone, name="clone"),
]
support_access_urls = [
    path("", support_access.index, name="list"),
    path("enter/", support_access.enter, name="enter"),
    path("leave/", support_access.leave, name="leave"),
]
source_urls = [
    path("", sources.index, name="list"),
    path("new/", sources.create, name="create"),
    path("<slug:slug>/", sources.detail, name="detail"),
    path("<slug:slug>/deliveries/", sources.deliveries, name="deliveries"),
    path("<slug:slug>/secret/", sources.replace_secret, name="secret"),
    path("<slug:slug>/test/", sources.test, name="test"),
    path("<slug:slug>/test/<uuid:event_id>/", sources.test_state, name="test_state"),
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
    path("templates/", include((template_urls, "templates"))),
    path("data/", data.index, name="data"),
    path("sandbox/", include((sandbox_urls, "sandbox"))),
    path("sources/", include((source_urls, "sources"))),
]
