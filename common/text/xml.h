// SPDX-License-Identifier: Apache-2.0
/* XML with the place of everything, so that a file can be changed in one element and stay the same
 * in all others. Over expat, whose home this is: libxml2 does not say reliably at which byte an
 * event stands. A DOCTYPE is refused, so there are no entities and no bombs; nothing is fetched.
 * UTF-8 (and US-ASCII) only: what a file declares otherwise is refused, never guessed. Pure. */
#pragma once

#include "common/base/arena.h"
#include "common/base/fault.h"

struct xml_attr {
	const char *name; /* local */
	const char *value;
};

/* An element. Offsets are bytes of the input. */
struct xml_node {
	const char *ns;   /* namespace URI; "" = none */
	const char *name; /* local name: match by ns and this, never by prefix */
	const char *text; /* character data, joined, not trimmed; "" where elements are inside */
	const struct xml_attr *attr;
	struct xml_node *child, *next;
	uint32_t n_attrs;
	uint32_t begin, end;             /* of the whole element: < to after > */
	uint32_t inner_begin, inner_end; /* between the tags; equal to end where it is <x/> */
	uint32_t line, column;           /* from 1, of begin; columns in characters */
};

/* Each at least 1. */
struct xml_limits {
	uint32_t depth;
	uint32_t nodes;
	uint32_t attributes; /* of one element */
	size_t text;         /* bytes of one element's character data, of one attribute */
};

struct xml_place {
	uint32_t line;   /* from 1 */
	uint32_t column; /* characters, from 1 */
	uint32_t byte;   /* bytes of the line, from 1 */
};

/* The root, in the arena. Several documents, one behind the other as answers of a device are kept,
 * give their roots linked by next. NULL, with its place: CN_PARSE_ERROR and what expat says (reason
 * "doctype", "nul", "malformed"), CN_CHARSET_ERROR, CN_RESPONSE_TOO_BIG past a limit, above 1 MiB
 * for one tag, or when the arena is full. ret_place may be NULL. */
struct xml_node *xml_parse(struct arena *a, struct span file, const struct xml_limits *limits,
	struct xml_place *ret_place, struct fault *reterr) must_check;
/* The first child of that local name, or NULL. */
struct xml_node *xml_child(const struct xml_node *n, const char *name);
/* The next sibling of that local name, or NULL. */
struct xml_node *xml_next(const struct xml_node *n, const char *name);
/* Its text, "" when there is no such child. */
const char *xml_child_text(const struct xml_node *n, const char *name);
/* NULL when there is none. */
const char *xml_attribute(const struct xml_node *n, const char *name);
