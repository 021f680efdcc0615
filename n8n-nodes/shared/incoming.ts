/**
 * Calls that come in from outside. An error that leaves a webhook method makes n8n start, or fail,
 * an execution: whatever is not expected has to be answered by hand.
 */
import type { IDataObject, IWebhookFunctions, IWebhookResponseData } from 'n8n-workflow';

/** The body as an object; a call without one, or with text, has an empty one. */
export function bodyOf(context: IWebhookFunctions): IDataObject {
	const body: unknown = context.getBodyData();
	return body !== null && typeof body === 'object' ? (body as IDataObject) : {};
}

/** Answer the call and leave executions alone. */
export function answerOnly(
	context: IWebhookFunctions,
	status: number,
	code: string,
	detail: string,
): IWebhookResponseData {
	context.getResponseObject().status(status).json({ code, detail });
	return { noWebhookResponse: true };
}
