/**
 * What Pergola posts to the trigger carries no data, only a delivery to claim. The node claims it
 * with its credential, once; a body that claims nothing starts nothing.
 */
import type {
	IDataObject,
	IWebhookFunctions,
	IWebhookResponseData,
	NodeApiError,
} from 'n8n-workflow';

import { answerOnly, bodyOf } from '../../shared/incoming';
import { pergolaRequest, problemCode } from '../../shared/transport';
import { filterOf } from './subscription';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export async function receiveDelivery(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const { delivery_id: deliveryId, token } = bodyOf(context);
	if (typeof deliveryId !== 'string' || !UUID.test(deliveryId) || typeof token !== 'string') {
		return answerOnly(context, 404, 'delivery_unknown', 'This body names no delivery of Pergola.');
	}
	let event: IDataObject;
	try {
		event = await claim(context, deliveryId, token);
	} catch (error) {
		return answerRefusal(context, deliveryId, error as NodeApiError);
	}
	if (event.event_id === undefined) {
		return answerOnly(context, 200, 'delivery_not_wanted', 'The trigger wants other events.');
	}
	return {
		workflowData: [[{ json: event }]],
		webhookResponse: { code: 'delivery_accepted', delivery_id: deliveryId },
	};
}

async function claim(
	context: IWebhookFunctions,
	deliveryId: string,
	token: string,
): Promise<IDataObject> {
	const options = context.getNodeParameter('options', {}) as IDataObject;
	return await pergolaRequest(context, {
		method: 'POST',
		path: `deliveries/${deliveryId}/claim`,
		body: {
			token,
			include_payload: options.includePayload === true,
			cloudevent: options.cloudEvent === true,
			...filterOf(context),
		},
	});
}

/** Only what Pergola can mend by delivering again is answered as a failure. */
function answerRefusal(
	context: IWebhookFunctions,
	deliveryId: string,
	error: NodeApiError,
): IWebhookResponseData {
	switch (problemCode(error)) {
		case 'delivery_claimed':
			return answerOnly(context, 200, 'delivery_claimed', 'This delivery was taken before.');
		case 'delivery_unknown':
			return answerOnly(context, 404, 'delivery_unknown', 'Pergola knows no such delivery.');
		default:
			context.logger.warn(`Pergola: delivery ${deliveryId} was not claimed: ${error.message}`);
			return answerOnly(context, 503, 'delivery_not_claimed', 'The delivery could not be claimed.');
	}
}
