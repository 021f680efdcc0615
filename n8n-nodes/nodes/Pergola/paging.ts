/** Lists that come in pages: up to a limit, or all of them. */
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';

import { callOperation, type Operation } from './operation';

const LARGEST_PAGE = 200;

/** The answer for one item. With Return All it holds the rows of every page. */
export async function answerOf(
	context: IExecuteFunctions,
	operation: Operation,
	itemIndex: number,
): Promise<IDataObject> {
	const { pages } = operation;
	if (!pages) return await callOperation(context, operation, itemIndex);
	// Nodes before version 1.2 have neither: their limit is an additional field.
	if (context.getNodeParameter('returnAll', itemIndex, false) !== true) {
		const limit = context.getNodeParameter('limit', itemIndex, 0) as number;
		return await callOperation(context, operation, itemIndex, limit ? { limit } : {});
	}

	const rows: IDataObject[] = [];
	let page: IDataObject = { limit: LARGEST_PAGE };
	for (;;) {
		const answer = await callOperation(context, operation, itemIndex, page);
		rows.push(...((answer[pages.rows] ?? []) as IDataObject[]));
		const after = answer[pages.next];
		if (!after || after === page.after) return { ...answer, [pages.rows]: rows };
		page = { limit: LARGEST_PAGE, after };
	}
}
