import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { asNodeError, failedItem } from './failure';
import { itemsOf, type Operation } from './operation';
import { answerOf } from './paging';
import { requestAndWait } from './requestAndWait';
import { operations } from './resources';

export async function execute(context: IExecuteFunctions): Promise<INodeExecutionData[][]> {
	const operation = chosenOperation(context);
	if (operation.waits) return await requestAndWait(context, operation);

	const results: INodeExecutionData[] = [];
	for (let itemIndex = 0; itemIndex < context.getInputData().length; itemIndex++) {
		try {
			const answer = await answerOf(context, operation, itemIndex);
			for (const json of itemsOf(context, operation, answer, itemIndex)) {
				results.push({ json, pairedItem: { item: itemIndex } });
			}
		} catch (error) {
			const failure = asNodeError(context, error, itemIndex);
			if (!context.continueOnFail()) throw failure;
			results.push(failedItem(failure, itemIndex));
		}
	}
	return [results];
}

function chosenOperation(context: IExecuteFunctions): Operation {
	const resource = context.getNodeParameter('resource', 0) as string;
	const name = context.getNodeParameter('operation', 0) as string;
	const operation = operations[resource]?.[name];
	if (operation === undefined) {
		throw new NodeOperationError(
			context.getNode(),
			`This version of the Pergola node has no operation "${name}" of "${resource}"`,
			{ description: 'Update n8n-nodes-pergola, or choose another operation in the node.' },
		);
	}
	return operation;
}
