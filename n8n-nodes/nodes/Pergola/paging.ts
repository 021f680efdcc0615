/** Lists that come in pages: up to a limit, or all of them. */
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import { callOperation, type Operation } from './operation';

const LARGEST_PAGE = 200;

/** The answer for one item. With Return All it holds what every page lists. */
export async function answerOf(
	context: IExecuteFunctions,
	operation: Operation,
	itemIndex: number,
): Promise<IDataObject> {
	const { nextPage } = operation;
	if (!nextPage) return await callOperation(context, operation, itemIndex);
	// Nodes before version 1.2 have neither: their limit is an additional field.
	if (context.getNodeParameter('returnAll', itemIndex, false) !== true) {
		const limit = context.getNodeParameter('limit', itemIndex, 0) as number;
		return await callOperation(context, operation, itemIndex, limit ? { limit } : {});
	}

	const whole: IDataObject = {};
	let page: IDataObject = { limit: LARGEST_PAGE };
	for (;;) {
		const answer = await callOperation(context, operation, itemIndex, page);
		for (const [name, value] of Object.entries(answer)) {
			const before = whole[name];
			whole[name] = Array.isArray(value) && Array.isArray(before) ? [...before, ...value] : value;
		}
		const after = answer[nextPage];
		if (!after || after === page.after) return whole;
		page = { limit: LARGEST_PAGE, after };
	}
}
