// SPDX-License-Identifier: Apache-2.0
/* What an adapter must find in a device's web pages: form fields, and the words a person would see.
 * Bounded, tolerant, never executes or fetches anything. Pure. */
#pragma once

#include "common/base/buf.h"

/* Walks the tags of a page. */
struct page {
	struct span html;
	size_t at;
};

/* One start tag. name and attributes point into the page. */
struct tag {
	struct span name;
	struct span attributes;
};

/* The next start tag; false at the end. Contents of script and style are passed over. */
bool page_next(struct page *p, struct tag *ret);
bool tag_is(const struct tag *t, const char *name);
/* Value of an attribute, entities resolved, cut at size; false when absent. */
bool tag_value(const struct tag *t, const char *name, char *out, size_t size);

/* Is there an <input> of this name? */
bool page_has_input(struct span html, const char *name);
/* The form that holds this input: its action into out. false when there is none. */
bool page_form_of(struct span html, const char *input, char *action, size_t size);
/* Appends `name=value&` of each hidden input of that form, form-encoded. */
void page_hidden_fields(struct span html, const char *input, struct buf *out);
/* The i-th hidden input of that form; false at the end. */
struct page_field {
	char name[64], value[512];
};
bool page_hidden_at(struct span html, const char *input, size_t i, struct page_field *ret);
/* The value of the choice of a control (radio buttons, or the options of a select) whose text
 * contains one of words; false when there is none. */
bool page_choice(
	struct span html, const char *control, const char *const *words, char *out, size_t size);
/* Does a control offer this value? */
bool page_offers(struct span html, const char *control, const char *value);
/* Target of the first link whose text contains one of words. */
bool page_link(struct span html, const char *const *words, char *out, size_t size);
/* Where a link or an action leads, seen from the page at base: a path of the same machine. false =
 * it leads away (another host, another scheme, upwards) or is too long. */
bool page_resolve(const char *base, const char *link, char *out, size_t size);
/* The visible text: tags removed, white space folded, at most max bytes. */
void page_text(struct span html, size_t max, struct buf *out);
bool text_contains(struct span text, const char *word); /* ASCII case-insensitive */

/* Appends name=value, form-encoded (RFC 3986 unreserved stay), with & before unless first. */
void form_add(struct buf *out, const char *name, const char *value);
/* The value alone. */
void form_value(struct buf *out, const char *value);
