/** The only place that talks to Pergola: one request, and its answer or a readable error. */
import type {
	IDataObject,
	IExecuteFunctions,
	IHookFunctions,
	IHttpRequestMethods,
	ILoadOptionsFunctions,
	IN8nHttpFullResponse,
	IWebhookFunctions,
	JsonObject,
} from 'n8n-workflow';
import { NodeApiError } from 'n8n-workflow';

export type PergolaContext =
	| IExecuteFunctions
	| IHookFunctions
	| ILoadOptionsFunctions
	| IWebhookFunctions;

export type ByteStream = Awaited<ReturnType<IExecuteFunctions['helpers']['getBinaryStream']>>;

export interface PergolaRequest {
	method: IHttpRequestMethods;
	/** Below /api/v1/. */
	path: string;
	/** JSON, or the bytes of a document. */
	body?: IDataObject | Buffer | ByteStream;
	qs?: IDataObject;
	headers?: IDataObject;
	/** How the node calls the fields, for what Pergola says about one. */
	labels?: Record<string, string>;
	timeout?: number;
	/** Lets n8n point at the item that failed. */
	itemIndex?: number;
}

/** RFC 9457, with Pergola's stable `code` and the fields at fault. */
interface Problem extends IDataObject {
	title?: string;
	detail?: string;
	code?: string;
	errors?: Array<{ field: string; message: string }>;
}

const CREDENTIAL = 'pergolaApi';
const TIMEOUT_MS = 60_000;

/** Throws NodeApiError for everything but a 2xx answer. */
export async function pergolaRequest(
	context: PergolaContext,
	request: PergolaRequest,
): Promise<IDataObject> {
	const credentials = await context.getCredentials<{ baseUrl: string }>(CREDENTIAL);
	const { baseUrl } = credentials;
	let response: IN8nHttpFullResponse;
	try {
		response = (await context.helpers.httpRequestWithAuthentication.call(
			context,
			CREDENTIAL,
			{
				baseURL: baseUrl,
				url: `/api/v1/${request.path}`,
				method: request.method,
				headers: { Accept: 'application/json', ...request.headers },
				body: request.body as IDataObject,
				qs: request.qs,
				json: true,
				timeout: request.timeout ?? TIMEOUT_MS,
				// A redirect would carry the key elsewhere and turn a POST into a GET.
				disableFollowRedirect: true,
				// The problem that comes with a 4xx says more than its status.
				ignoreHttpStatusErrors: true,
				returnFullResponse: true,
			},
			// Else n8n decrypts them once more, and in a webhook evaluates them in a new isolate, which
			// takes it longer than all the rest.
			{ credentialsDecrypted: { id: '', name: '', type: CREDENTIAL, data: credentials } },
		)) as IN8nHttpFullResponse;
	} catch (error) {
		throw new NodeApiError(
			context.getNode(),
			{ message: error instanceof Error ? error.message : String(error) },
			{
				message: 'Pergola did not answer',
				description: `No answer from ${baseUrl} (${reasonOf(error)}). Check the Base URL in the credential and that Pergola is running, then run this step again: nothing is done twice.`,
				itemIndex: request.itemIndex,
			},
		);
	}
	const body = objectOf(response.body);
	if (response.statusCode >= 200 && response.statusCode < 300) return body;
	throw problemError(context, response.statusCode, body, baseUrl, request);
}

/** The stable code of a refusal by Pergola, such as `delivery_claimed`. */
export function problemCode(error: unknown): string | undefined {
	if (!(error instanceof NodeApiError)) return undefined;
	return (error.context.data as Problem | undefined)?.code;
}

function problemError(
	context: PergolaContext,
	status: number,
	problem: Problem,
	baseUrl: string,
	{ labels = {}, itemIndex }: PergolaRequest,
): NodeApiError {
	const isProblem = typeof problem.title === 'string' && typeof problem.detail === 'string';
	const detail = problem.detail ?? '';
	const fields = (problem.errors ?? [])
		.map(({ field, message }) => `${field}: ${message}`)
		.filter((text) => !detail.includes(text));
	const error = new NodeApiError(context.getNode(), problem as JsonObject, {
		message: isProblem ? problem.title : `This address is not a Pergola (it answered ${status})`,
		description: isProblem
			? inNodesWords([detail, ...fields].join(' — '), problem.errors ?? [], labels)
			: `${baseUrl} answered without saying why. Check the Base URL in the credential: the address of Pergola itself, without a path.`,
		httpCode: String(status),
		itemIndex,
	});
	error.context.data = problem;
	return error;
}

/** Fields as they stand in the node, where Pergola names them as they stand in the request. */
function inNodesWords(
	text: string,
	errors: Array<{ field: string }>,
	labels: Record<string, string>,
): string {
	return errors.reduce((said, { field }) => {
		const [name = ''] = field.split('.');
		const label = labels[name];
		return label ? said.replace(`${field}: `, `${label}${field.slice(name.length)}: `) : said;
	}, text);
}

function reasonOf(error: unknown): string {
	const { code, message } = error as { code?: string; message?: string };
	return code ?? message ?? 'unknown reason';
}

function objectOf(body: unknown): IDataObject {
	if (typeof body === 'string') {
		try {
			return objectOf(JSON.parse(body));
		} catch {
			return {};
		}
	}
	return body !== null && typeof body === 'object' && !Array.isArray(body)
		? (body as IDataObject)
		: {};
}
