/** Pergola's lists, from which fields choose. */
import type { IDataObject, ILoadOptionsFunctions, INodePropertyOptions } from 'n8n-workflow';

import { pergolaRequest } from './transport';

const MOST_PAGES = 20;

export interface Page {
	lines: INodePropertyOptions[];
	next?: string;
}

export async function pageOfChoices(
	context: ILoadOptionsFunctions,
	list: string,
	{ search, page = '1' }: { search?: string; page?: string } = {},
): Promise<Page> {
	const qs: IDataObject = { page };
	if (search) qs.search = search;
	const answer = await pergolaRequest(context, { method: 'GET', path: `choices/${list}`, qs });
	const results = (answer.results ?? []) as Array<Record<string, string>>;
	return {
		lines: results.map(({ name = '', value = '', description }) => ({ name, value, description })),
		next: answer.next_page ? String(answer.next_page) : undefined,
	};
}

/** The whole list, for a field that takes several. */
export async function allChoices(
	context: ILoadOptionsFunctions,
	list: string,
): Promise<INodePropertyOptions[]> {
	const found: INodePropertyOptions[] = [];
	let page: string | undefined = '1';
	for (let turned = 0; page !== undefined && turned < MOST_PAGES; turned++) {
		const { lines, next }: Page = await pageOfChoices(context, list, { page });
		found.push(...lines);
		page = next;
	}
	return found;
}
