"""Log-in and what is a person's own, on every tenant's host and on the platform's.

The names are allauth's, which asks for its addresses by them.
"""

from django.urls import path, re_path

from controlplane.portal.views import accounts, security

urlpatterns = [
    path("login/", accounts.log_in, name="account_login"),
    path("login/factor/", accounts.second_factor, name="mfa_authenticate"),
    path("login/passkey/", accounts.log_in_by_passkey, name="mfa_login_webauthn"),
    path("logout/", accounts.log_out, name="account_logout"),
    path("enter/", accounts.enter, name="account_enter"),
    path("password/", accounts.password_reset, name="account_reset_password"),
    path("password/sent/", accounts.password_reset_sent, name="account_reset_password_done"),
    path(
        "password/done/",
        accounts.password_reset_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/(?P<uidb36>[0-9a-z]+)/(?P<key>[^/]+)/$",
        accounts.password_reset_set,
        name="account_reset_password_from_key",
    ),
    path("security/", security.index, name="mfa_index"),
    path("security/sessions/<int:session_id>/end/", security.end_session, name="end_session"),
    path("security/again/", security.again, name="account_reauthenticate"),
    path("security/again/code/", security.again_by_code, name="mfa_reauthenticate"),
    path("security/again/passkey/", security.again_by_passkey, name="mfa_reauthenticate_webauthn"),
    path("security/password/", security.password, name="account_change_password"),
    path("security/password/first/", security.first_password, name="account_set_password"),
    path("security/app/add/", security.add_totp, name="mfa_activate_totp"),
    path("security/app/remove/", security.remove_totp, name="mfa_deactivate_totp"),
    path("security/recovery/", security.recovery_codes, name="mfa_view_recovery_codes"),
    path("security/recovery/new/", security.new_recovery_codes, name="mfa_generate_recovery_codes"),
    path("security/passkeys/", security.to_index, name="mfa_list_webauthn"),
    path("security/passkeys/add/", security.add_passkey, name="mfa_add_webauthn"),
    path("security/passkeys/<int:pk>/", security.rename_passkey, name="mfa_edit_webauthn"),
    path("security/passkeys/<int:pk>/remove/", security.remove_passkey, name="mfa_remove_webauthn"),
]
