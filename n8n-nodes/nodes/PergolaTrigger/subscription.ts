/** The subscription of one trigger node, kept in Pergola under the node's webhook address. */
import type { IDataObject, IHookFunctions, IWebhookFunctions } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { pergolaRequest } from '../../shared/transport';

const PATH = 'subscriptions';

interface Filter {
	sources: string[];
	subject: string;
}

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
	const filter = filterOf(context);
	if (startsAtWebhook(context) && (filter.sources.length > 0 || filter.subject !== '')) {
		throw new NodeOperationError(context.getNode(), 'A Webhook starts for every event', {
			description:
				'Sources and Subject cannot be combined with Webhook Path. Take them out, and put a Filter node behind Fetch.',
		});
	}
	const isTest = context.getMode() === 'manual';
	await pergolaRequest(context, {
		method: 'PUT',
		path: PATH,
		body: {
			webhook_url: webhookUrl(context),
			event_types: chosenEvents(context),
			workflow_id: context.getWorkflow().id ?? '',
			// "Execute workflow" in the editor listens on an address of its own, for one event.
			test: isTest,
			fetch: startsAtWebhook(context) ? 'execution' : 'trigger',
			...(isTest ? { ...filter, offer: optionsOf(context).testWith ?? '' } : {}),
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

/** Where Pergola delivers: to this trigger, or to the Webhook of the same workflow that it names. */
function webhookUrl(context: IHookFunctions): string {
	const own = context.getNodeWebhookUrl('default') as string;
	if (!startsAtWebhook(context)) return own;
	// n8n puts the node's ID before the path of a trigger of ours, and nothing before a Webhook's.
	return own.split('/').slice(0, -2).join('/') + `/${webhookPath(context)}`;
}

/** The editor's test listens for itself: it has one address at a time. */
function startsAtWebhook(context: IHookFunctions): boolean {
	return webhookPath(context) !== '' && context.getMode() !== 'manual';
}

/** What the trigger wants of the events that it listens to, as the claim of each says it. */
export function filterOf(context: IHookFunctions | IWebhookFunctions): Filter {
	const { sources, subject } = optionsOf(context);
	return {
		sources: Array.isArray(sources) ? (sources as string[]) : [],
		subject: typeof subject === 'string' ? subject.trim() : '',
	};
}

function optionsOf(context: IHookFunctions | IWebhookFunctions): IDataObject {
	return context.getNodeParameter('options', {}) as IDataObject;
}

function webhookPath(context: IHookFunctions): string {
	const { webhookPath: path } = optionsOf(context);
	return typeof path === 'string' ? path.trim().replace(/^\/+/, '') : '';
}
