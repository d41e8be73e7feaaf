import { validateHeaderName, validateHeaderValue } from 'node:http';
import { type Check, isRecord } from '@switchgear/conventions';

/** A list of HTTP methods in capitals. */
export const methodList: Check = (value, field) => {
  const isList = Array.isArray(value) && value.length > 0 && value.every((word) => /^[A-Z]+(-[A-Z]+)*$/.test(word));
  return isList ? [] : [{ field, rule: 'must be a list of HTTP methods in capitals, such as ["POST"]', value }];
};

export const headerName: Check = (value, field) =>
  passes(() => validateHeaderName(value as string)) ? [] : [{ field, rule: 'must be the name of a header', value }];

export const headerRecord: Check = (value, field) => {
  if (!isRecord(value)) return [{ field, rule: 'must be an object of header names and values', value }];
  return Object.entries(value)
    .filter(([name, text]) => typeof text !== 'string' || !isHeader(name, text))
    .map(([name, text]) => ({
      field: `${field}.${name}`,
      rule: 'must be a header and its value, as text',
      value: text,
    }));
};

export const httpOrigin: Check = (value, field) => {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  const isOrigin = (url?.protocol === 'http:' || url?.protocol === 'https:') && `${url.origin}/` === url.href;
  return isOrigin ? [] : [{ field, rule: 'must be an origin, such as https://replica.example.com', value }];
};

function isHeader(name: string, value: string): boolean {
  return passes(() => {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  });
}

function passes(check: () => void): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
