/** The workspace's sources, for the trigger's filter. */
import type { ILoadOptionsFunctions, INodePropertyOptions } from 'n8n-workflow';

import { allChoices } from '../../shared/choices';

export async function getSources(this: ILoadOptionsFunctions): Promise<INodePropertyOptions[]> {
	return await allChoices(this, 'sources');
}
