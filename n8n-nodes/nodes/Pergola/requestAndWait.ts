/**
 * Approval > Request and Wait: ask for a decision, suspend the execution, go on when it is there.
 *
 * Pergola calls the resume URL once, when the approval has ended. The call itself decides nothing:
 * whoever makes it, the node reads the approval again with its own credential.
 */
import type {
	IDataObject,
	IExecuteFunctions,
	INodeExecutionData,
	IWebhookDescription,
	IWebhookFunctions,
	IWebhookResponseData,
} from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';

import { answerOnly, bodyOf } from '../../shared/incoming';
import { pergolaRequest } from '../../shared/transport';
import { asNodeError, failedItem } from './failure';
import { callOperation, type Operation } from './operation';
import { get as getApproval } from './resources/approval/get';

/**
 * Pergola ends an approval that has expired and resumes the execution itself. Only if it could not
 * do so for this long does n8n go on alone, with the state that it knew last.
 */
const GRACE_MS = 24 * 60 * 60 * 1000;

export const resumeWebhooks: IWebhookDescription[] = [
	{
		name: 'default',
		httpMethod: 'POST',
		responseMode: 'onReceived',
		responseData: '',
		path: '',
		restartWebhook: true,
		isFullPath: true,
	},
];

export async function requestAndWait(
	context: IExecuteFunctions,
	operation: Operation,
): Promise<INodeExecutionData[][]> {
	const item = onlyItem(context);
	let approval: IDataObject;
	try {
		approval = await callOperation(context, operation, 0, { resume_url: resumeUrl(context) });
	} catch (error) {
		const failure = asNodeError(context, error, 0);
		if (!context.continueOnFail()) throw failure;
		return [[failedItem(failure, 0)]];
	}
	if (approval.status !== 'pending') return [[{ json: approval, pairedItem: { item: 0 } }]];

	// While n8n waits it keeps this node's input: `resume` finds the approval there, and n8n passes
	// it on should the wait run out.
	item.json = approval;
	await context.putExecutionToWait(
		new Date(new Date(String(approval.expires_at)).getTime() + GRACE_MS),
	);
	return [[item]];
}

/** Answers 200 when the execution goes on; otherwise the execution keeps waiting. */
export async function resume(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	try {
		return await resumeIfDecided(context);
	} catch (error) {
		const reason = (error as Error).message;
		context.logger.warn(`Pergola: execution ${context.getExecutionId()} keeps waiting: ${reason}`);
		const detail = 'The approval could not be read. Try again.';
		return answerOnly(context, 503, 'approval_unreadable', detail);
	}
}

async function resumeIfDecided(context: IWebhookFunctions): Promise<IWebhookResponseData> {
	const awaited = String(context.evaluateExpression('{{ $json.approval_id }}', 0));
	const named = bodyOf(context).approval_id;
	if (named !== undefined && named !== awaited) {
		const detail = 'This execution waits for another approval.';
		return answerOnly(context, 410, 'approval_not_awaited', detail);
	}
	const approval = await readApproval(context, awaited);
	if (approval.status === 'pending') {
		return answerOnly(context, 409, 'approval_pending', 'Nobody has decided this approval yet.');
	}
	return {
		workflowData: [[{ json: approval, pairedItem: { item: 0 } }]],
		webhookResponse: { resumed: true, approval_id: awaited, status: approval.status },
	};
}

async function readApproval(context: IWebhookFunctions, approvalId: string): Promise<IDataObject> {
	return await pergolaRequest(context, {
		method: 'POST',
		path: getApproval.path,
		body: { approval_id: approvalId },
	});
}

/**
 * The token of the execution, as for n8n's Wait node. `getSignedResumeUrl()` signs a URL that n8n
 * accepts for operations named `sendAndWait` only, and answers 200 for those after the execution
 * has ended, where this one answers 409.
 */
function resumeUrl(context: IExecuteFunctions): string {
	const execution = context.getWorkflowDataProxy(0).$execution as { resumeUrl: string };
	return execution.resumeUrl;
}

function onlyItem(context: IExecuteFunctions): INodeExecutionData {
	const items = context.getInputData();
	const [item] = items;
	// As a tool of an agent the node runs under the type `pergolaTool`.
	if (context.isToolExecution() || context.getNode().type.endsWith('Tool')) {
		throw new NodeOperationError(context.getNode(), 'An AI agent cannot wait for an approval', {
			description:
				'Put this step into the workflow after the agent, or let the agent read an approval with Approval > Get.',
		});
	}
	if (item === undefined || items.length > 1) {
		throw new NodeOperationError(
			context.getNode(),
			`Request and Wait takes one item at a time, and ${items.length} came in`,
			{
				description:
					'An execution can wait for one approval at a time. Put a Loop Over Items node with a batch size of 1 before this one.',
			},
		);
	}
	return item;
}
