/** Documents: their bytes go to Pergola as they lie in n8n, piece by piece, and never as JSON. */
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import type { PergolaRequest } from '../../shared/transport';

/** The parameter that names the item's binary field. */
export const BINARY_FIELD = 'binaryPropertyName';
const TIMEOUT_MS = 300_000;

/** The request's body, with what Pergola is told about it in headers. */
export async function fileRequest(
	context: IExecuteFunctions,
	input: IDataObject,
	itemIndex: number,
): Promise<Pick<PergolaRequest, 'body' | 'timeout'> & { headers: IDataObject }> {
	const name = context.getNodeParameter(BINARY_FIELD, itemIndex) as string;
	// Says which item has no such field, where it has none.
	const binary = context.helpers.assertBinaryData(itemIndex, name);
	const { body, size } = binary.id
		? await storedBytes(context, binary.id)
		: await heldBytes(context, itemIndex, name);
	return {
		body,
		timeout: TIMEOUT_MS,
		headers: {
			'Content-Type': binary.mimeType || 'application/octet-stream',
			'Content-Length': size,
			Filename: encodeURIComponent(binary.fileName ?? ''),
			'Pergola-Input': encodeURIComponent(JSON.stringify(input)),
		},
	};
}

/** A stream, so that a large document is never held whole. */
async function storedBytes(context: IExecuteFunctions, id: string) {
	const { fileSize: size } = await context.helpers.getBinaryMetadata(id);
	return { body: await context.helpers.getBinaryStream(id), size };
}

/** n8n itself holds it in the execution's data. */
async function heldBytes(context: IExecuteFunctions, itemIndex: number, name: string) {
	const body = await context.helpers.getBinaryDataBuffer(itemIndex, name);
	return { body, size: body.length };
}
