import {
	NodeConnectionTypes,
	type IHookFunctions,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { receiveDelivery } from './delivery';
import { eventOptions } from './events';
import { getSources } from './sources';
import { isSubscribed, subscribe, unsubscribe } from './subscription';

export class PergolaTrigger implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Pergola Trigger',
		name: 'pergolaTrigger',
		icon: { light: 'file:../../icons/pergola.svg', dark: 'file:../../icons/pergola.dark.svg' },
		group: ['trigger'],
		version: 1,
		subtitle: '={{$parameter["events"].join(", ")}}',
		description: 'Starts the workflow when a business event reaches Pergola',
		defaults: {
			name: 'Pergola Trigger',
		},
		inputs: [],
		outputs: [NodeConnectionTypes.Main],
		credentials: [
			{
				name: 'pergolaApi',
				required: true,
			},
		],
		webhooks: [
			{
				name: 'default',
				httpMethod: 'POST',
				responseMode: 'onReceived',
				responseData: '',
				path: 'webhook',
			},
		],
		properties: [
			{
				displayName: 'Events',
				name: 'events',
				type: 'multiOptions',
				required: true,
				default: [],
				options: eventOptions,
				description: 'The events that start the workflow',
			},
			{
				displayName: 'Options',
				name: 'options',
				type: 'collection',
				placeholder: 'Add option',
				default: {},
				options: [
					{
						displayName: 'Add CloudEvent',
						name: 'cloudEvent',
						type: 'boolean',
						default: false,
						description:
							'Whether to add the event in the form of CloudEvents 1.0, as cloudevent; with its data where the payload is included',
					},
					{
						displayName: 'Include Payload',
						name: 'includePayload',
						type: 'boolean',
						default: false,
						description:
							'Whether to put what the shop sent into the execution. Leave it off unless a step needs it: execution data is hard to delete, and Pergola keeps the event.',
					},
					{
						displayName: 'Source Names or IDs',
						name: 'sources',
						type: 'multiOptions',
						typeOptions: { loadOptionsMethod: 'getSources' },
						default: [],
						description:
							'Only events of these sources start the workflow; none: of all. Choose from the list, or specify IDs using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
					},
					{
						displayName: 'Subject',
						name: 'subject',
						type: 'string',
						default: '',
						placeholder: 'e.g. #10*',
						description:
							'Only events about this start the workflow, such as an order’s number. A star stands for any text.',
					},
					{
						displayName: 'Test With',
						name: 'testWith',
						type: 'options',
						options: [
							{
								name: 'Newest Event',
								value: 'newest',
								description: 'The last such event that came in, also one that was handled',
							},
							{
								name: 'Next Test Event',
								value: '',
								description: 'What the test button of a source sends',
							},
						],
						default: '',
						description: 'What the editor gets when it listens for a test event',
					},
					{
						displayName: 'Webhook Path',
						name: 'webhookPath',
						type: 'string',
						default: '',
						placeholder: 'e.g. new-order-7f3a',
						description:
							'Path of a Webhook node of this workflow that starts it in place of this trigger, with Pergola’s Fetch behind it. Many events a second then cost n8n a quarter of the work.',
					},
				],
			},
		],
	};

	methods = { loadOptions: { getSources } };

	webhookMethods = {
		default: {
			async checkExists(this: IHookFunctions): Promise<boolean> {
				return await isSubscribed(this);
			},
			async create(this: IHookFunctions): Promise<boolean> {
				return await subscribe(this);
			},
			async delete(this: IHookFunctions): Promise<boolean> {
				return await unsubscribe(this);
			},
		},
	};

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await receiveDelivery(this);
	}
}
