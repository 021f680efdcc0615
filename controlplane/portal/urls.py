"""The portal's addresses, one namespace for each noun."""

from django.urls import include, path

from controlplane.portal.views import (
    accounts,
    approvals,
    brand,
    home,
    installations,
    orders,
    profile,
    sources,
    templates,
)

account_urls = [
    path("login/", accounts.log_in, name="login"),
    path("logout/", accounts.log_out, name="logout"),
    path("enter/", accounts.enter, name="enter"),
    path("password/", accounts.password_reset, name="password_reset"),
    path("password/sent/", accounts.password_reset_sent, name="password_reset_sent"),
    path("password/done/", accounts.password_reset_done, name="password_reset_done"),
    path("password/<uidb64>/<token>/", accounts.password_reset_set, name="password_reset_set"),
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
source_urls = [
    path("", sources.index, name="list"),
    path("new/", sources.create, name="create"),
    path("<slug:slug>/", sources.detail, name="detail"),
    path("<slug:slug>/deliveries/", sources.deliveries, name="deliveries"),
    path("<slug:slug>/secret/", sources.replace_secret, name="secret"),
    path("<slug:slug>/test/", sources.test, name="test"),
    path("<slug:slug>/test/<uuid:event_id>/", sources.test_state, name="test_state"),
]

urlpatterns = [
    path("", home.home, name="home"),
    path("brand.css", brand.stylesheet, name="brand_css"),
    path("brand.svg", brand.mark, name="brand_mark"),
    path("profile/", profile.profile, name="profile"),
    path("accounts/", include((account_urls, "accounts"))),
    path("approvals/", include((approval_urls, "approvals"))),
    path("orders/", include((order_urls, "orders"))),
    path("installations/", include((installation_urls, "installations"))),
    path("templates/", include((template_urls, "templates"))),
    path("sources/", include((source_urls, "sources"))),
]
