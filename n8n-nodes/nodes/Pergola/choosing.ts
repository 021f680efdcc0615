/** What drop-downs show: Pergola's lists, searched and turned over page by page. */
import type {
	IDataObject,
	ILoadOptionsFunctions,
	INodeListSearchResult,
	INodePropertyOptions,
} from 'n8n-workflow';

import { allChoices, pageOfChoices } from '../../shared/choices';
import { lists } from './resources/lists';

type ListSearch = (
	this: ILoadOptionsFunctions,
	search?: string,
	page?: string,
) => Promise<INodeListSearchResult>;

/** One search for each list that a field chooses from, under the list's own name. */
export const listSearch: Record<string, ListSearch> = Object.fromEntries(
	lists.map((list) => [
		list,
		async function (this: ILoadOptionsFunctions, search?: string, page?: string) {
			const { lines, next } = await pageOfChoices(this, list, { search, page });
			return { results: lines, paginationToken: next };
		},
	]),
);

type LoadOptions = (this: ILoadOptionsFunctions) => Promise<INodePropertyOptions[]>;

/** The same lists, whole, for fields that take several. */
export const loadOptions: Record<string, LoadOptions> = Object.fromEntries(
	lists.map((list) => [
		list,
		async function (this: ILoadOptionsFunctions) {
			return await allChoices(this, list);
		},
	]),
);

/** A field that chooses holds what was chosen; one of an older workflow, or with an expression, a text. */
export function chosenValue(value: unknown): unknown {
	const isLocator = value !== null && typeof value === 'object' && '__rl' in value;
	return isLocator ? (value as IDataObject).value : value;
}
