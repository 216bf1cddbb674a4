// SPDX-License-Identifier: Apache-2.0
/* SOAP of pretend devices: this side's own. */
#include "services/simulator/soap.h"

#include <string.h>

const struct xml_node *soap_request(struct http_request *r, const struct xml_node **ret_header)
{
	static const struct xml_limits LIMITS = {
		.depth = 32, .nodes = 200000, .attributes = 32, .text = 65536};
	struct fault ignored = FAULT_INIT;
	const struct xml_node *root =
		xml_parse(http_arena(r), http_body(r), &LIMITS, NULL, &ignored);
	const struct xml_node *body;

	if (!root || strcmp(root->name, "Envelope") != 0)
		return NULL;
	if (ret_header)
		*ret_header = xml_child(root, "Header");
	body = xml_child(root, "Body");
	return body ? body->child : NULL;
}

const char *soap_get(const struct xml_node *n, const char *path)
{
	char name[64];

	while (n && *path) {
		size_t len = strcspn(path, "/");
		if (len >= sizeof(name))
			return "";
		memcpy(name, path, len);
		name[len] = '\0';
		n = xml_child(n, name);
		path += len + (path[len] == '/');
	}
	return n ? n->text : "";
}

void soap_put(struct buf *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			buf_adds(out, "&amp;");
			break;
		case '<':
			buf_adds(out, "&lt;");
			break;
		case '>':
			buf_adds(out, "&gt;");
			break;
		default:
			if ((unsigned char)*text >= 0x20 || *text == '\n' || *text == '\t')
				buf_addc(out, *text);
		}
	}
}

void soap_put_element(struct buf *out, const char *name, const char *text)
{
	buf_addf(out, "<%s>", name);
	soap_put(out, text);
	buf_addf(out, "</%s>", name);
}
