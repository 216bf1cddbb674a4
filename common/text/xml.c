// SPDX-License-Identifier: Apache-2.0
/* XML into a tree that knows its bytes. */
#include "common/text/xml.h"

#include <expat.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/buf.h"
#include "common/base/map.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

/* expat keeps a copy of what it was fed and has not finished with, so the file goes in pieces. */
#define PIECE ((size_t)256 * 1024)
/* One tag, comment or instruction: expat begins it anew with every piece. */
#define TOKEN_MAX ((size_t)1024 * 1024)
#define DOCUMENTS_MAX 4096u
#define NODES_AT_ONCE 256u
#define NAMES_MAX 4096u
/* expat keeps each namespace declaration until its element ends. */
#define DECLARATIONS_MAX 4096u
/* Between namespace and name: no character of XML. */
#define SEPARATOR '\x1f'
#define OTHER_CHARSET "the XML declaration names another charset than UTF-8"

struct level {
	struct xml_node *node;
	struct xml_node **next_child; /* where it is linked */
};

struct parse {
	struct arena *a;
	struct span file;
	const struct xml_limits *limits;
	struct fault *fault;
	XML_Parser expat;
	struct map names; /* "ns SEPARATOR name" to the first node that had it */

	/* expat counts from the begin of a document */
	size_t base;
	uint32_t base_line, base_column;

	struct level *open; /* from the root to the innermost; of limits->depth */
	uint32_t depth;
	struct xml_node *root, **next_root;
	struct xml_node *spare; /* nodes allocated and not used */
	uint32_t n_spare, n_nodes;
	uint32_t declarations; /* of namespaces, in force */
	struct buf text;       /* of the innermost open element */
	bool ascii;            /* declared so */
};

/* ---- places and faults ---- */

static size_t offset(const struct parse *p)
{
	XML_Index i = XML_GetCurrentByteIndex(p->expat);

	return i < 0 ? p->base : p->base + (size_t)i;
}

static void place(const struct parse *p, uint32_t *line, uint32_t *column)
{
	uint32_t l = (uint32_t)XML_GetCurrentLineNumber(p->expat) - 1;
	uint32_t c = (uint32_t)XML_GetCurrentColumnNumber(p->expat);

	*line = p->base_line + l;
	*column = (l == 0 ? p->base_column : 0) + c + 1;
}

/* The first fault counts; expat then stops at the end of the handler. */
static void refuse(struct parse *p, int code, const char *reason, const char *what)
{
	if (p->fault->code != 0)
		return;
	fault_why(p->fault, code, reason, "%s", what);
	(void)XML_StopParser(p->expat, XML_FALSE);
}

static void too_big(struct parse *p, const char *what)
{
	refuse(p, CN_RESPONSE_TOO_BIG, "too_big", what);
}

/* Does what stands here not belong to the charset? */
static bool foreign(const struct parse *p, struct span rest)
{
	uint32_t c;

	return rest.n > 0 && (p->ascii ? rest.p[0] >= 0x80 : utf8_read(rest.p, rest.n, &c) == 0);
}

/* What expat stumbled over. */
static int wrong(struct parse *p, enum XML_Error code)
{
	size_t at = size_min(offset(p), p->file.n);
	struct span rest = {p->file.p + at, p->file.n - at};

	if (code == XML_ERROR_NO_MEMORY)
		return fault_why(p->fault, CN_RESPONSE_TOO_BIG, "too_big", "out of memory");
	if (code == XML_ERROR_UNKNOWN_ENCODING || code == XML_ERROR_INCORRECT_ENCODING)
		return fault_why(p->fault, CN_CHARSET_ERROR, "charset", OTHER_CHARSET);
	if (rest.n > 0 && rest.p[0] == 0)
		return fault_why(p->fault, CN_PARSE_ERROR, "nul", "a NUL byte");
	if (foreign(p, rest))
		return fault_why(
			p->fault, CN_CHARSET_ERROR, "charset", "bytes outside its charset");
	return fault_why(p->fault, CN_PARSE_ERROR, "malformed", "%s", XML_ErrorString(code));
}

static void tell_place(const struct parse *p, struct xml_place *ret)
{
	size_t at = size_min(offset(p), p->file.n);
	const uint8_t *begin = at > 0 ? memrchr(p->file.p, '\n', at) : NULL;

	place(p, &ret->line, &ret->column);
	ret->byte = (uint32_t)(p->file.p + at - (begin ? begin + 1 : p->file.p)) + 1;
}

/* ---- building ---- */

static const char *keep(struct parse *p, const char *s, size_t n)
{
	const char *copy = n > 0 ? arena_strndup(p->a, s, n) : "";

	if (n > p->limits->text)
		too_big(p, "a text longer than allowed");
	else if (!copy)
		too_big(p, "more than fits into the memory for a file");
	return copy ? copy : "";
}

static struct xml_node *node_new(struct parse *p)
{
	if (p->n_nodes >= p->limits->nodes) {
		too_big(p, "more elements than allowed");
		return NULL;
	}
	if (p->n_spare == 0) {
		p->spare = arena_array(p->a, NODES_AT_ONCE, sizeof(*p->spare));
		p->n_spare = p->spare ? NODES_AT_ONCE : 0;
	}
	if (p->n_spare == 0) {
		too_big(p, "more than fits into the memory for a file");
		return NULL;
	}
	p->n_nodes++;
	p->n_spare--;
	return p->spare++;
}

/* Names repeat: one copy of each. */
static void set_name(struct parse *p, struct xml_node *n, const char *name)
{
	size_t len = strlen(name);
	const struct xml_node *first = map_get(&p->names, name, len);
	const char *sep = strchr(name, SEPARATOR);
	const char *local = sep ? sep + 1 : name;

	if (first) {
		n->ns = first->ns;
		n->name = first->name;
		return;
	}
	n->ns = sep ? keep(p, name, (size_t)(sep - name)) : "";
	n->name = keep(p, local, strlen(local));
	if (p->names.n < NAMES_MAX)
		(void)map_put(&p->names, name, len, n);
}

static void set_attributes(struct parse *p, struct xml_node *n, const char **atts)
{
	struct xml_attr *v;
	size_t count = 0;

	while (atts[count * 2])
		count++;
	if (count == 0)
		return;
	if (count > p->limits->attributes) {
		too_big(p, "more attributes than allowed");
		return;
	}
	v = arena_array(p->a, count, sizeof(*v));
	if (!v) {
		too_big(p, "more than fits into the memory for a file");
		return;
	}
	for (size_t i = 0; i < count; i++) {
		const char *name = atts[i * 2];
		const char *sep = strchr(name, SEPARATOR);
		const char *local = sep ? sep + 1 : name;

		v[i].name = keep(p, local, strlen(local));
		v[i].value = keep(p, atts[i * 2 + 1], strlen(atts[i * 2 + 1]));
	}
	n->attr = v;
	n->n_attrs = (uint32_t)count;
}

static void link_node(struct parse *p, struct xml_node *n)
{
	struct xml_node ***slot = p->depth > 0 ? &p->open[p->depth - 1].next_child : &p->next_root;

	**slot = n;
	*slot = &n->next;
	p->open[p->depth++] = (struct level){n, &n->child};
}

static void on_start(void *arg, const char *name, const char **atts)
{
	struct parse *p = arg;
	struct xml_node *n;

	if (p->fault->code != 0)
		return;
	if (p->depth >= p->limits->depth) {
		too_big(p, "elements nested deeper than allowed");
		return;
	}
	n = node_new(p);
	if (!n)
		return;
	n->text = "";
	set_name(p, n, name);
	set_attributes(p, n, atts);
	n->begin = (uint32_t)offset(p);
	n->inner_begin = n->begin + (uint32_t)XML_GetCurrentByteCount(p->expat);
	place(p, &n->line, &n->column);
	link_node(p, n);
	buf_reset(&p->text);
}

static void on_end(void *arg, const char *name)
{
	struct parse *p = arg;
	struct xml_node *n;

	(void)name;
	if (p->fault->code != 0)
		return;
	n = p->open[--p->depth].node;
	n->inner_end = (uint32_t)offset(p);
	n->end = n->inner_end + (uint32_t)XML_GetCurrentByteCount(p->expat);
	if (!n->child)
		n->text = keep(p, buf_str(&p->text), p->text.n);
	buf_reset(&p->text);
}

static void on_text(void *arg, const char *s, int n)
{
	struct parse *p = arg;

	buf_add(&p->text, s, (size_t)n);
	if (p->text.err)
		too_big(p, "a text longer than allowed");
}

static void on_doctype(void *arg, const char *name, const char *system, const char *public, int own)
{
	(void)name;
	(void)system;
	(void)public;
	(void)own;
	refuse(arg, CN_PARSE_ERROR, "doctype", "a DOCTYPE, which no address book needs");
}

static void on_namespace(void *arg, const char *prefix, const char *uri)
{
	struct parse *p = arg;

	(void)prefix;
	(void)uri;
	if (++p->declarations > DECLARATIONS_MAX)
		too_big(p, "more namespaces than allowed");
}

static void on_namespace_end(void *arg, const char *prefix)
{
	struct parse *p = arg;

	(void)prefix;
	p->declarations--;
}

static void on_declaration(void *arg, const char *version, const char *encoding, int standalone)
{
	struct parse *p = arg;

	(void)version;
	(void)standalone;
	p->ascii = encoding && ascii_same(encoding, "US-ASCII");
	if (encoding && !ascii_same(encoding, "UTF-8") && !p->ascii)
		refuse(p, CN_CHARSET_ERROR, "charset", OTHER_CHARSET);
}

/* ---- feeding ---- */

static void begin_document(struct parse *p)
{
	XML_SetUserData(p->expat, p);
	XML_SetElementHandler(p->expat, on_start, on_end);
	XML_SetCharacterDataHandler(p->expat, on_text);
	XML_SetNamespaceDeclHandler(p->expat, on_namespace, on_namespace_end);
	XML_SetStartDoctypeDeclHandler(p->expat, on_doctype);
	XML_SetXmlDeclHandler(p->expat, on_declaration);
}

/* One document, from base. 1: another one begins at *ret_next, 0: it was the last, -1: fault. */
static int feed(struct parse *p, size_t *ret_next)
{
	size_t fed = p->base;
	enum XML_Status status = XML_STATUS_OK;

	do {
		size_t n = size_min(PIECE, p->file.n - fed);

		if (fed - offset(p) > TOKEN_MAX)
			too_big(p, "a tag longer than 1 MiB");
		if (p->fault->code != 0)
			return -1;
		status = XML_Parse(
			p->expat, (const char *)p->file.p + fed, (int)n, fed + n == p->file.n);
		fed += n;
	} while (status == XML_STATUS_OK && fed < p->file.n);
	if (p->fault->code != 0)
		return -1;
	if (status == XML_STATUS_OK)
		return 0;
	*ret_next = offset(p);
	if (XML_GetErrorCode(p->expat) == XML_ERROR_JUNK_AFTER_DOC_ELEMENT &&
		p->file.p[*ret_next] == '<')
		return 1;
	return wrong(p, XML_GetErrorCode(p->expat));
}

static int feed_all(struct parse *p)
{
	uint32_t documents = 1;
	size_t next = 0;
	int r;

	while ((r = feed(p, &next)) > 0) {
		uint32_t line, column;

		if (++documents > DOCUMENTS_MAX) {
			too_big(p, "more than 4096 documents in one file");
			return -1;
		}
		place(p, &line, &column);
		p->base = next;
		p->base_line = line;
		p->base_column = column - 1;
		(void)XML_ParserReset(p->expat, NULL);
		begin_document(p);
	}
	return r;
}

/* expat would take UTF-16 for what it is, and its text could not be changed in place. */
static int check_start(struct span file, struct xml_place *place_, struct fault *reterr)
{
	*place_ = (struct xml_place){1, 1, 1};
	if (file.n > INT32_MAX)
		return fault_why(reterr, CN_RESPONSE_TOO_BIG, "too_big", "larger than 2 GiB");
	if (file.n >= 2 &&
		(memcmp(file.p, "\xff\xfe", 2) == 0 || memcmp(file.p, "\xfe\xff", 2) == 0 ||
			memcmp(file.p, "<\0", 2) == 0 || memcmp(file.p, "\0<", 2) == 0))
		return fault_why(reterr, CN_CHARSET_ERROR, "charset", "UTF-16, not UTF-8");
	return 0;
}

static void close_parse(struct parse *p)
{
	XML_ParserFree(p->expat);
	map_fini(&p->names);
	buf_fini(&p->text);
	free(p->open);
}

struct xml_node *xml_parse(struct arena *a, struct span file, const struct xml_limits *limits,
	struct xml_place *ret_place, struct fault *reterr)
{
	struct fault fault = FAULT_INIT;
	struct xml_place at;
	struct parse p = {.a = a, .file = file, .limits = limits, .fault = &fault};

	if (check_start(file, ret_place ? ret_place : &at, reterr) < 0)
		return NULL;
	p.expat = XML_ParserCreateNS(NULL, SEPARATOR);
	bug_if(!p.expat);
	p.base_line = 1;
	p.open = mem_alloc(limits->depth * sizeof(p.open[0]));
	p.next_root = &p.root;
	p.text.max = limits->text;
	begin_document(&p);
	if (feed_all(&p) < 0) {
		p.root = NULL;
		tell_place(&p, ret_place ? ret_place : &at);
		*reterr = fault;
	}
	close_parse(&p);
	return p.root;
}

/* ---- questions ---- */

static struct xml_node *from(struct xml_node *n, const char *name)
{
	while (n && strcmp(n->name, name) != 0)
		n = n->next;
	return n;
}

struct xml_node *xml_child(const struct xml_node *n, const char *name)
{
	return from(n->child, name);
}

struct xml_node *xml_next(const struct xml_node *n, const char *name)
{
	return from(n->next, name);
}

const char *xml_child_text(const struct xml_node *n, const char *name)
{
	const struct xml_node *child = xml_child(n, name);

	return child ? child->text : "";
}

const char *xml_attribute(const struct xml_node *n, const char *name)
{
	for (uint32_t i = 0; i < n->n_attrs; i++)
		if (strcmp(n->attr[i].name, name) == 0)
			return n->attr[i].value;
	return NULL;
}
