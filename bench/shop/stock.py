"""The peer's door: django-tenants and DRF as their documentation sets them up."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.shop.work import review_order, take_order
from controlplane.core.actor import Actor, ActorKind
from tenants.models import ApiKey
from tenants.models.keys import KeyText


class Caller:
    is_authenticated = True

    def __init__(self, key: ApiKey) -> None:
        self.actor = Actor(ActorKind.MACHINE, str(key.pk), key.name, frozenset(key.scopes))


class ByKey(BaseAuthentication):
    def authenticate(self, request: Any) -> tuple[Caller, None]:
        given = KeyText.parse(request.headers["Authorization"].split(" ")[1])
        assert given
        key = ApiKey.objects.select_related("tenant").get(prefix=given.prefix)
        assert key.matches(given)
        return Caller(key), None


class LineSerializer(serializers.Serializer):
    sku = serializers.CharField(max_length=200)
    title = serializers.CharField(max_length=200)
    quantity = serializers.IntegerField(min_value=1)
    unit_price = serializers.DecimalField(max_digits=20, decimal_places=4, min_value=0)


class OrderSerializer(serializers.Serializer):
    number = serializers.CharField(max_length=60)
    currency = serializers.RegexField(r"^[A-Z]{3}$")
    lines = LineSerializer(many=True, allow_empty=False)


class AnswerSerializer(serializers.Serializer):
    order_id = serializers.UUIDField()
    verdict = serializers.CharField()


class Orders(APIView):
    authentication_classes = [ByKey]
    permission_classes = []
    work = staticmethod(take_order)

    def post(self, request: Request) -> Response:
        given = OrderSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        answer = self.work(**given.validated_data, by=request.user.actor)
        return Response(AnswerSerializer(answer).data)


def ready(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [
    path("api/v1/operations/bench/take", Orders.as_view()),
    path("api/v1/operations/bench/review", Orders.as_view(work=staticmethod(review_order))),
    path("healthz", ready),
]
