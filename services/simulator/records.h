// SPDX-License-Identifier: Apache-2.0
/* The book of a device whose interface is XML: one element for each entry, kept as it was written.
 * Made from the seed when somebody asks for it; changed by the interface and by the control port.
 */
#pragma once

#include "services/simulator/book.h"
#include "services/simulator/soap.h"

struct record {
	uint32_t number;
	bool group;
	char *xml; /* the element */
};

/* In the order of numbers, persons first. */
struct records {
	struct record *v;
	size_t n, cap;
};

/* How a family says an entry. */
struct records_format {
	uint32_t kinds; /* 1 << entry_kind that it can say */
	uint32_t first; /* number of the first entry */
	void (*write)(const struct entry *e, struct buf *out);
	/* texts are in n or in the arena */
	void (*read)(const struct xml_node *n, struct arena *a, struct entry *e);
	size_t state_size; /* of the family's own state; a struct records is its first member */
};

/* The device's own; state and book are made, as the seed says, when there is none yet. */
struct records *records_of(struct device *d, const struct records_format *f);
/* Forgets both. */
void records_reset(struct device *d);
const struct record *records_find(const struct records *r, uint32_t number, bool group);
/* xml is taken; replaces. */
void records_put(struct records *r, uint32_t number, bool group, char *xml);
bool records_remove(struct records *r, uint32_t number, bool group);

/* GET and PUT /book, POST /edit; false = another path. */
bool records_control(
	struct device *d, struct http_request *r, const char *path, const struct records_format *f);

/* ---- XML ---- */

/* The element again, local names only, behind the prefix ("km:" or ""). */
void xml_copy(struct buf *out, const struct xml_node *n, const char *prefix);
/* An element below, by local names: "a/b"; NULL = not there. */
const struct xml_node *xml_find(const struct xml_node *n, const char *path);
