import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeExecutionData,
	type INodeType,
	type INodeTypeDescription,
	type IWebhookFunctions,
	type IWebhookResponseData,
} from 'n8n-workflow';

import { listSearch, loadOptions } from './choosing';
import { execute } from './execute';
import { resume, resumeWebhooks } from './requestAndWait';
import { properties } from './resources';

export class Pergola implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'Pergola',
		name: 'pergola',
		icon: { light: 'file:../../icons/pergola.svg', dark: 'file:../../icons/pergola.dark.svg' },
		group: ['transform'],
		// 1.1: Simplify, which is on unless it is switched off. 1.2: Return All of lists in pages.
		version: [1, 1.1, 1.2],
		defaultVersion: 1.2,
		subtitle: '={{$parameter["operation"].replace("_", " ") + ": " + $parameter["resource"]}}',
		description: 'Judge orders by policy, wait for approvals and record outcomes',
		defaults: {
			name: 'Pergola',
		},
		usableAsTool: true,
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		credentials: [
			{
				name: 'pergolaApi',
				required: true,
			},
		],
		webhooks: resumeWebhooks,
		properties,
	};

	methods = { listSearch, loadOptions };

	async execute(this: IExecuteFunctions): Promise<INodeExecutionData[][]> {
		return await execute(this);
	}

	async webhook(this: IWebhookFunctions): Promise<IWebhookResponseData> {
		return await resume(this);
	}
}
