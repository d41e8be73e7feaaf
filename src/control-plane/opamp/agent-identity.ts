import { InvalidInputError, text } from '@switchgear/conventions';
import type { AgentIdentity } from '../ingest/observation.ts';
import type { AgentDescription } from './messages.ts';

/**
 * Who an agent is, from its identifying attributes. Where it names no `service.instance.id`, its instance UID stands in.
 * @throws InvalidInputError where `service.name` is missing or a value is out of bounds.
 */
export function identityOf({ identifying, nonIdentifying }: AgentDescription, uid: string): AgentIdentity {
  const at = (key: string) => `agentDescription.identifyingAttributes.${key}`;
  const name = identifying.get('service.name');
  const namespace = identifying.get('service.namespace');
  const instance = identifying.get('service.instance.id') ?? uid;
  const version = identifying.get('service.version') ?? nonIdentifying.get('service.version');
  const environment =
    identifying.get('deployment.environment.name') ?? nonIdentifying.get('deployment.environment.name');
  const problems = [
    ...short(name, at('service.name')),
    ...short(instance, at('service.instance.id')),
    ...(namespace ? short(namespace, at('service.namespace')) : []),
    ...(version ? short(version, at('service.version')) : []),
    ...(environment ? short(environment, at('deployment.environment.name')) : []),
  ];
  if (problems.length > 0) throw new InvalidInputError(problems);
  return {
    service: namespace ? `${namespace}/${name}` : name!,
    instance,
    ...(version && { version }),
    ...(environment && { environment }),
  };
}

const short = text(1, 255);
