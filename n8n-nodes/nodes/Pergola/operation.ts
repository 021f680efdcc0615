/** What the generated files in `resources/` declare, and how one is called. */
import type { IDataObject, IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { pergolaRequest } from '../../shared/transport';

export interface Operation {
	/** Below /api/v1/. */
	path: string;
	/** The answer comes from a person: the execution is suspended until then. */
	waits: boolean;
	/** The parameters of the node, named as the fields of the request. */
	properties: INodeProperties[];
}

export const ADDITIONAL_FIELDS = 'additionalFields';

/** Run the operation for one item. `extra` holds fields that the node fills in itself. */
export async function callOperation(
	context: IExecuteFunctions,
	operation: Operation,
	itemIndex: number,
	extra: IDataObject = {},
): Promise<IDataObject> {
	return await pergolaRequest(context, {
		method: 'POST',
		path: operation.path,
		body: { ...inputOf(context, operation, itemIndex), ...extra },
		headers: originOf(context, itemIndex),
		itemIndex,
	});
}

function inputOf(context: IExecuteFunctions, operation: Operation, itemIndex: number): IDataObject {
	const input: IDataObject = {};
	for (const property of operation.properties) {
		const value = context.getNodeParameter(property.name, itemIndex);
		if (property.name === ADDITIONAL_FIELDS) {
			const optional = (property.options ?? []) as INodeProperties[];
			Object.assign(input, optionalInput(context, optional, value as IDataObject, itemIndex));
		} else if (property.required || value !== '') {
			input[property.name] = fieldValue(context, property, value, itemIndex);
		}
	}
	return input;
}

/** A field that was added and left empty counts as not given. */
function optionalInput(
	context: IExecuteFunctions,
	properties: INodeProperties[],
	values: IDataObject,
	itemIndex: number,
): IDataObject {
	const input: IDataObject = {};
	for (const property of properties) {
		const value = values[property.name];
		if (value === undefined || value === null || value === '') continue;
		input[property.name] = fieldValue(context, property, value, itemIndex);
	}
	return input;
}

function fieldValue(
	context: IExecuteFunctions,
	property: INodeProperties,
	value: unknown,
	itemIndex: number,
): IDataObject[string] {
	if (property.type !== 'json' || typeof value !== 'string') return value as IDataObject[string];
	try {
		return JSON.parse(value) as IDataObject[string];
	} catch (error) {
		throw new NodeOperationError(
			context.getNode(),
			`The field "${property.displayName}" does not hold valid JSON`,
			{
				description: `${(error as Error).message}. Correct the text, or switch the field to an expression that gives an object.`,
				itemIndex,
			},
		);
	}
}

/** Pergola derives its idempotency key from these, so a retried step never acts twice. */
function originOf(context: IExecuteFunctions, itemIndex: number): IDataObject {
	const runIndex = context.getWorkflowDataProxy(itemIndex).$runIndex as number;
	return {
		'X-N8N-Workflow-Id': context.getWorkflow().id ?? '',
		'X-N8N-Execution-Id': context.getExecutionId(),
		'X-N8N-Node': encodeURIComponent(context.getNode().name),
		'X-N8N-Item': `${runIndex}:${itemIndex}`,
	};
}
