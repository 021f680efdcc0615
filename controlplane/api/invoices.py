"""Supplier invoices and what they are matched with: hand in, list, look."""

import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiRequest, extend_schema
from pydantic import BaseModel, Field
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from controlplane.api.intake import declared_length, pieces
from controlplane.api.openapi import BY_KEY, BY_SESSION, PROBLEM
from controlplane.api.operations import require_scope, require_to_list
from controlplane.api.parsers import RawParser
from controlplane.core.actor import Actor
from controlplane.core.errors import FieldError
from controlplane.invoices import services
from controlplane.invoices.documents import FILENAME_HEADER
from controlplane.invoices.models import (
    GoodsReceipt,
    GoodsReceiptLine,
    Invoice,
    PurchaseOrder,
    PurchaseOrderLine,
)
from controlplane.invoices.procurement.typed import GoodsReceiptIn, PurchaseOrderIn
from tenants.files import FileTooLarge

SUBMIT, READ, PROCUREMENT = "invoices:submit", "invoices:read", "procurement:submit"
EITHER = [*BY_KEY, *BY_SESSION]
# A multipart body is a little more than the file in it.
_AROUND_THE_FILE = 64 * 1024


class SubmittedOut(BaseModel):
    invoice_id: uuid.UUID = Field(description="The invoice in Pergola")
    event_id: uuid.UUID = Field(description="The event that workflows hear of it by")
    duplicate: bool = Field(description="Whether this very document was here already")


class ImportedOut(BaseModel):
    created: int = Field(description="How many were new")
    updated: int = Field(description="How many were known and have changed")
    unchanged: int = Field(description="How many were known as they are")
    numbers: list[str] = Field(description="The numbers of them all")


class InvoiceSerializer(serializers.ModelSerializer[Invoice]):
    # Said here, since of what is only read the serializer forgets that it may be empty.
    format = serializers.ChoiceField(Invoice.Format.choices, allow_blank=True, read_only=True)
    outcome = serializers.ChoiceField(Invoice.Outcome.choices, allow_blank=True, read_only=True)

    class Meta:
        model = Invoice
        fields = [
            "id", "number", "status", "format", "is_credit_note", "issue_date", "due_date",
            "supplier_name", "supplier_vat_id", "buyer_name", "order_reference", "currency",
            "net", "tax", "gross", "payable", "verdict", "outcome", "outcome_at", "duplicate_of",
            "filename", "channel", "created_at",
        ]  # fmt: skip
        read_only_fields = fields


class InvoiceDetailSerializer(InvoiceSerializer):
    class Meta:
        model = Invoice
        fields = [
            *InvoiceSerializer.Meta.fields, "content_type", "size", "sha256", "event_id", "iban",
            "quarantine_code", "quarantine_reason", "problems", "fields", "normal", "rule_set",
            "findings", "validated_at", "match", "reasons", "decision_id", "matched_at",
            "outcome_note",
        ]  # fmt: skip
        read_only_fields = fields


class PurchaseOrderLineSerializer(serializers.ModelSerializer[PurchaseOrderLine]):
    class Meta:
        model = PurchaseOrderLine
        fields = [
            "line_id", "seller_item_id", "buyer_item_id", "standard_item_id", "description",
            "quantity", "unit", "unit_price", "price_base_quantity",
        ]  # fmt: skip


class PurchaseOrderSerializer(serializers.ModelSerializer[PurchaseOrder]):
    lines = PurchaseOrderLineSerializer(many=True)

    class Meta:
        model = PurchaseOrder
        fields = [
            "id", "number", "supplier_name", "supplier_vat_id", "buyer_name", "currency",
            "ordered_at", "status", "lines",
        ]  # fmt: skip
        read_only_fields = fields


class GoodsReceiptLineSerializer(serializers.ModelSerializer[GoodsReceiptLine]):
    class Meta:
        model = GoodsReceiptLine
        fields = [
            "line_id", "order_number", "order_line_reference", "seller_item_id", "buyer_item_id",
            "standard_item_id", "description", "quantity", "rejected", "unit",
        ]  # fmt: skip


class GoodsReceiptSerializer(serializers.ModelSerializer[GoodsReceipt]):
    lines = GoodsReceiptLineSerializer(many=True)

    class Meta:
        model = GoodsReceipt
        fields = [
            "id", "kind", "number", "order_number", "supplier_name", "received_at", "lines",
        ]  # fmt: skip
        read_only_fields = fields


class Invoices(ListAPIView[Invoice]):
    """Supplier invoices, newest first."""

    serializer_class = InvoiceSerializer
    parser_classes = [MultiPartParser, RawParser]

    @extend_schema(
        tags=["invoices"],
        auth=EITHER,
        parameters=[
            OpenApiParameter(
                "status", str, enum=Invoice.Status.values, description="Only those in this state"
            )
        ],
        responses={200: InvoiceSerializer(many=True), **PROBLEM},
        operation_id="invoices_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Supplier invoices, newest first. A key needs the scope `invoices:read`."""
        require_to_list(READ, request.user.actor)
        return super().get(request, *args, **kwargs)

    @extend_schema(
        tags=["invoices"],
        auth=EITHER,
        parameters=[
            OpenApiParameter(
                FILENAME_HEADER,
                str,
                OpenApiParameter.HEADER,
                description="With a raw body: what the file is called, percent-encoded",
            )
        ],
        request={
            "multipart/form-data": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary"}},
                "required": ["file"],
            },
            "application/pdf": OpenApiRequest(OpenApiTypes.BINARY),
            "application/xml": OpenApiRequest(OpenApiTypes.BINARY),
        },
        responses={202: SubmittedOut, **PROBLEM},
        operation_id="invoices_submit",
    )
    def post(self, request: Request) -> Response:
        """Hand in a document; the same one again is the same invoice. Needs `invoices:submit`."""
        actor: Actor = request.user.actor
        require_scope(SUBMIT, actor)
        chunks, filename, content_type = _document(request)
        received = services.receive_invoice(
            chunks=chunks,
            filename=filename,
            content_type=content_type,
            channel=Invoice.Channel.API,
            by=actor,
        )
        answer = SubmittedOut(
            invoice_id=received.invoice.pk,
            event_id=received.event.pk,
            duplicate=received.is_duplicate,
        )
        return Response(answer.model_dump(mode="json"), status=202)

    def get_queryset(self) -> Any:
        found = Invoice.objects.recent().defer("text", "normal", "fields", "findings", "match")
        status = self.request.query_params.get("status")
        return found.with_status(status) if status else found


class InvoiceDetail(APIView):
    @extend_schema(
        tags=["invoices"],
        auth=EITHER,
        responses={200: InvoiceDetailSerializer, **PROBLEM},
        operation_id="invoices_retrieve",
    )
    def get(self, request: Request, invoice_id: uuid.UUID) -> Response:
        """One invoice, with what was read, found and matched."""
        require_scope(READ, request.user.actor)
        return Response(InvoiceDetailSerializer(services.get_invoice(invoice_id)).data)


class PurchaseOrders(ListAPIView[PurchaseOrder]):
    """Purchase orders, newest first."""

    serializer_class = PurchaseOrderSerializer
    queryset = PurchaseOrder.objects.prefetch_related("lines")
    parser_classes = [RawParser]

    @extend_schema(
        tags=["procurement"],
        auth=EITHER,
        responses={200: PurchaseOrderSerializer(many=True), **PROBLEM},
        operation_id="purchase_orders_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Purchase orders, newest first. A key needs the scope `invoices:read`."""
        require_to_list(READ, request.user.actor)
        return super().get(request, *args, **kwargs)

    @extend_schema(
        tags=["procurement"],
        auth=EITHER,
        request={
            "application/json": PurchaseOrderIn,
            "application/xml": OpenApiRequest(OpenApiTypes.STR),
            "text/csv": OpenApiRequest(OpenApiTypes.STR),
        },
        responses={200: ImportedOut, **PROBLEM},
        operation_id="purchase_orders_import",
    )
    def post(self, request: Request) -> Response:
        """Take in orders: one, or a list of them, as JSON; UBL Order; or CSV. All or nothing."""
        require_scope(PROCUREMENT, request.user.actor)
        imported = services.import_purchase_orders(content=_whole(request), by=request.user.actor)
        return _imported(imported)


class GoodsReceipts(ListAPIView[GoodsReceipt]):
    """Goods receipts, newest first."""

    serializer_class = GoodsReceiptSerializer
    queryset = GoodsReceipt.objects.prefetch_related("lines")
    parser_classes = [RawParser]

    @extend_schema(
        tags=["procurement"],
        auth=EITHER,
        responses={200: GoodsReceiptSerializer(many=True), **PROBLEM},
        operation_id="goods_receipts_list",
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Goods receipts, newest first. A key needs the scope `invoices:read`."""
        require_to_list(READ, request.user.actor)
        return super().get(request, *args, **kwargs)

    @extend_schema(
        tags=["procurement"],
        auth=EITHER,
        request={
            "application/json": GoodsReceiptIn,
            "application/xml": OpenApiRequest(OpenApiTypes.STR),
            "text/csv": OpenApiRequest(OpenApiTypes.STR),
        },
        responses={200: ImportedOut, **PROBLEM},
        operation_id="goods_receipts_import",
    )
    def post(self, request: Request) -> Response:
        """Take in receipts: one, or a list, as JSON; UBL ReceiptAdvice or DespatchAdvice; CSV."""
        require_scope(PROCUREMENT, request.user.actor)
        imported = services.import_goods_receipts(content=_whole(request), by=request.user.actor)
        return _imported(imported)


def _imported(imported: services.Imported) -> Response:
    return Response(ImportedOut.model_validate(imported, from_attributes=True).model_dump())


def _document(request: Request) -> tuple[Iterator[bytes], str, str]:
    """Chunks, name and type of the one file in a form, or of the body itself."""
    _refuse_oversize(request, settings.DOCUMENT_MAX_BYTES + _AROUND_THE_FILE)
    if (request.content_type or "").startswith("multipart/"):
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile):
            raise services.DocumentEmpty(
                "The form has no file. Send the document in the field “file”.",
                errors=(FieldError("file", "is missing"),),
            )
        return iter(file.chunks()), file.name or "", file.content_type or ""
    name = unquote(request.headers.get(FILENAME_HEADER, ""))
    return pieces(request._request), name, request.content_type or ""


def _whole(request: Request) -> bytes:
    _refuse_oversize(request, settings.DOCUMENT_MAX_BYTES)
    return b"".join(pieces(request._request))


def _refuse_oversize(request: Request, limit: int) -> None:
    if declared_length(request._request) > limit:
        raise FileTooLarge(
            f"The body has more than {limit} bytes, which is the most that is taken. Send less at "
            "a time, or ask the platform's operator to raise the limit."
        )
