// SPDX-License-Identifier: Apache-2.0
/* XML with the place of everything, so that a file can be changed in one element and stay the same
 * in all others. Over expat, whose home this is: libxml2 does not say reliably at which byte an
 * event stands. A DOCTYPE is refused, so there are no entities and no bombs; nothing is fetched. */
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
	const char *text; /* character data directly inside, joined, not trimmed */
	const struct xml_attr *attr;
	uint32_t n_attrs;
	struct xml_node *parent, *child, *last, *next;
	size_t begin, end;             /* of the whole element: < to after > */
	size_t inner_begin, inner_end; /* between the tags; equal to end where it is <x/> */
	uint32_t line, column;         /* from 1, of begin */
};

struct xml_limits {
	uint32_t depth;
	uint32_t nodes;
};

/* The root, in the arena. NULL: CN_PARSE_ERROR with line, column and what expat says (reason
 * "doctype", "malformed" …), CN_CHARSET_ERROR, CN_RESPONSE_TOO_BIG past a limit or when the arena
 * is full. */
struct xml_node *xml_parse(struct arena *a, struct span file, const struct xml_limits *limits,
	struct fault *reterr) must_check;
/* The first child of that local name, or NULL. */
struct xml_node *xml_child(const struct xml_node *n, const char *name);
/* Its text, "" when there is no such child. */
const char *xml_child_text(const struct xml_node *n, const char *name);
