/** What the generated files in `resources/` declare, and how one is called. */
import type { IDataObject, IExecuteFunctions, INodeProperties } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { pergolaRequest } from '../../shared/transport';
import { chosenValue } from './choosing';
import { BINARY_FIELD, fileRequest } from './handover';

export interface Operation {
	/** Below /api/v1/. */
	path: string;
	/** The answer comes from a person: the execution is suspended until then. */
	waits: boolean;
	/** A document of the item is handed over: its bytes are the body. */
	takesFile?: boolean;
	/** What Simplify leaves: the rows of a list as items, and of each these fields. */
	simplified?: { rows?: string; fields?: string[] };
	/** Of a list that comes in pages: the field that, sent as `after`, brings the next. */
	nextPage?: string;
	/** The parameters of the node, named as the fields of the request. */
	properties: INodeProperties[];
}

export const ADDITIONAL_FIELDS = 'additionalFields';
const PLAIN_PATH = /^=\{\{ ?\$json((?:\.[A-Za-z_]\w*)+) ?\}\}$/;
/** What the node itself reads: no fields of the request. */
const OF_THE_NODE = ['returnAll', 'simplify', BINARY_FIELD];

/** Run the operation for one item. `extra` holds fields that the node fills in itself. */
export async function callOperation(
	context: IExecuteFunctions,
	operation: Operation,
	itemIndex: number,
	extra: IDataObject = {},
): Promise<IDataObject> {
	const input = { ...inputOf(context, operation, itemIndex), ...extra };
	const origin = originOf(context, itemIndex);
	const request = operation.takesFile
		? await fileRequest(context, input, itemIndex)
		: { body: input, headers: {} };
	return await pergolaRequest(context, {
		method: 'POST',
		path: operation.path,
		...request,
		headers: { ...origin, ...request.headers },
		labels: labelsOf(operation),
		itemIndex,
	});
}

/** The answer as items: one, or each row of a list where it is simplified. */
export function itemsOf(
	context: IExecuteFunctions,
	operation: Operation,
	answer: IDataObject,
	itemIndex: number,
): IDataObject[] {
	const { simplified } = operation;
	// A node of version 1 has no such parameter, and keeps the answer that its workflow knows.
	if (!simplified || context.getNodeParameter('simplify', itemIndex, false) !== true) {
		return [answer];
	}
	const { rows, fields } = simplified;
	const found = rows ? ((answer[rows] ?? []) as IDataObject[]) : [answer];
	if (!fields) return found;
	return found.map((row) => Object.fromEntries(fields.map((name) => [name, row[name]])));
}

/** By field, how the node calls it: an error about `approval_id` is one about "Approval ID". */
function labelsOf(operation: Operation): Record<string, string> {
	const labels: Record<string, string> = {};
	for (const property of operation.properties) {
		const inner = property.name === ADDITIONAL_FIELDS ? (property.options ?? []) : [property];
		for (const { name, displayName } of inner as INodeProperties[]) labels[name] = displayName;
	}
	return labels;
}

function inputOf(context: IExecuteFunctions, operation: Operation, itemIndex: number): IDataObject {
	const input: IDataObject = {};
	for (const property of operation.properties) {
		if (OF_THE_NODE.includes(property.name)) continue;
		// How much of a list is asked for: paging.ts.
		if (operation.nextPage && property.name === 'limit') continue;
		const value = chosenValue(valueOf(context, property, itemIndex));
		if (property.name === ADDITIONAL_FIELDS) {
			const optional = (property.options ?? []) as INodeProperties[];
			Object.assign(input, optionalInput(context, optional, value as IDataObject, itemIndex));
		} else if (property.required || value !== '') {
			input[property.name] = fieldValue(context, property, value, itemIndex);
		}
	}
	return input;
}

/**
 * n8n evaluates every expression in an isolate, for milliseconds of its one thread. The text at a
 * plain path of the item, which most expressions name, is the same without; all else is n8n's.
 */
function valueOf(
	context: IExecuteFunctions,
	property: INodeProperties,
	itemIndex: number,
): unknown {
	const raw = context.getNodeParameter(property.name, itemIndex, undefined, {
		rawExpressions: true,
	});
	const given = chosenValue(raw);
	const path = typeof given === 'string' ? PLAIN_PATH.exec(given)?.[1] : undefined;
	const text = path && textAt(context.getInputData()[itemIndex]?.json, path.split('.').slice(1));
	return text ?? context.getNodeParameter(property.name, itemIndex);
}

function textAt(json: IDataObject | undefined, path: string[]): string | undefined {
	let found: unknown = json;
	for (const name of path) {
		if (found === null || typeof found !== 'object' || !Object.hasOwn(found, name))
			return undefined;
		found = (found as IDataObject)[name];
	}
	return typeof found === 'string' ? found : undefined;
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
		const value = chosenValue(values[property.name]);
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
