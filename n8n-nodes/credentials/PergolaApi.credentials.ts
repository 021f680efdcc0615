import type {
	IAuthenticate,
	Icon,
	ICredentialTestRequest,
	ICredentialType,
	INodeProperties,
} from 'n8n-workflow';

export class PergolaApi implements ICredentialType {
	name = 'pergolaApi';

	displayName = 'Pergola API';

	icon: Icon = { light: 'file:../icons/pergola.svg', dark: 'file:../icons/pergola.dark.svg' };

	documentationUrl = 'https://pergola.example/docs/n8n#credentials';

	properties: INodeProperties[] = [
		{
			displayName: 'Base URL',
			name: 'baseUrl',
			type: 'string',
			required: true,
			default: '',
			placeholder: 'e.g. https://pergola.example.com',
			description: 'The address of your Pergola, without a path',
		},
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			required: true,
			default: '',
			placeholder: 'e.g. pgl_live_…',
			description:
				'A key of one workspace. It decides which workspace the nodes act in and what they may do there.',
		},
	];

	// A function: n8n would evaluate an expression in an isolate, which takes it longer than the call.
	authenticate: IAuthenticate = async (credentials, request) => ({
		...request,
		headers: { ...request.headers, Authorization: `Bearer ${String(credentials.apiKey)}` },
	});

	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.baseUrl}}',
			url: '/api/v1/whoami',
		},
	};
}
