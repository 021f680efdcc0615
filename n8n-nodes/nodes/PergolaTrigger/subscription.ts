/** The subscription of one trigger node, kept in Pergola under the node's webhook address. */
import type { IDataObject, IHookFunctions } from 'n8n-workflow';

import { pergolaRequest } from '../../shared/transport';

const PATH = 'subscriptions';

interface Subscription {
	subscription_id: string;
	event_types?: string[];
}

/** True only where Pergola would deliver exactly the chosen events here. */
export async function isSubscribed(context: IHookFunctions): Promise<boolean> {
	const chosen = [...chosenEvents(context)].sort().join();
	const existing = await findSubscriptions(context);
	return existing.some(({ event_types: events }) => [...(events ?? [])].sort().join() === chosen);
}

export async function subscribe(context: IHookFunctions): Promise<boolean> {
	await pergolaRequest(context, {
		method: 'PUT',
		path: PATH,
		body: {
			webhook_url: webhookUrl(context),
			event_types: chosenEvents(context),
			workflow_id: context.getWorkflow().id ?? '',
			// "Execute workflow" in the editor listens on an address of its own, for one event.
			test: context.getMode() === 'manual',
		},
	});
	return true;
}

export async function unsubscribe(context: IHookFunctions): Promise<boolean> {
	for (const { subscription_id: id } of await findSubscriptions(context)) {
		await pergolaRequest(context, {
			method: 'DELETE',
			path: `${PATH}/${encodeURIComponent(id)}`,
		});
	}
	return true;
}

async function findSubscriptions(context: IHookFunctions): Promise<Subscription[]> {
	const { results } = await pergolaRequest(context, {
		method: 'GET',
		path: PATH,
		qs: { webhook_url: webhookUrl(context) } as IDataObject,
	});
	return (results ?? []) as unknown as Subscription[];
}

function chosenEvents(context: IHookFunctions): string[] {
	return context.getNodeParameter('events') as string[];
}

function webhookUrl(context: IHookFunctions): string {
	return context.getNodeWebhookUrl('default') as string;
}
