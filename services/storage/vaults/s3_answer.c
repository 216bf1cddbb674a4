// SPDX-License-Identifier: Apache-2.0
/* Reading the answers of S3. Pure. */
#include "services/storage/vaults/s3_answer.h"

#include <stdio.h>
#include <string.h>

#include "common/text/rfc3339.h"
#include "common/text/xml.h"
#include "gen/errors.h"

/* A page has at most 1,000 names, each an element with a dozen inside. */
static const struct xml_limits limits = {
	.depth = 8, .nodes = 20000, .attributes = 8, .text = S3_TEXT_MAX};

#define ARENA ((size_t)16 * 1024 * 1024)

/* Text of the server, for people: no control characters. */
static void take(char *out, size_t size, const char *text)
{
	size_t n = 0;
	for (; *text != 0 && n + 1 < size; text++)
		out[n++] = (char)(*text >= ' ' && *text < 0x7f ? *text : '?');
	out[n] = 0;
}

bool s3_error_read(struct span body, struct s3_error *ret)
{
	struct arena a;
	struct fault ignored;
	*ret = (struct s3_error){.code = ""};
	arena_init(&a, ARENA);
	const struct xml_node *root = xml_parse(&a, body, &limits, NULL, &ignored);
	bool is = root != NULL && strcmp(root->name, "Error") == 0;
	if (is) {
		take(ret->code, sizeof(ret->code), xml_child_text(root, "Code"));
		take(ret->message, sizeof(ret->message), xml_child_text(root, "Message"));
		take(ret->region, sizeof(ret->region), xml_child_text(root, "Region"));
	}
	arena_fini(&a);
	return is;
}

static int other_answer(struct fault *reterr, const char *wanted)
{
	return fault_why(reterr, CN_PARSE_ERROR, "other", "the answer is no %s", wanted);
}

static const struct xml_node *root_of(
	struct arena *a, struct span body, const char *name, struct fault *reterr)
{
	const struct xml_node *root = xml_parse(a, body, &limits, NULL, reterr);
	if (root != NULL && strcmp(root->name, name) == 0)
		return root;
	if (root != NULL)
		(void)other_answer(reterr, name);
	return NULL;
}

static int page_alloc(
	struct arena *a, const struct xml_node *root, struct s3_page *p, struct fault *reterr)
{
	size_t n = 1;
	for (const struct xml_node *c = root->child; c != NULL; c = c->next)
		n++;
	*p = (struct s3_page){.names = arena_array(a, n, sizeof(char *)),
		.uploads = arena_array(a, n, sizeof(char *)),
		.begun_ms = arena_array(a, n, sizeof(uint64_t))};
	if (p->names != NULL && p->uploads != NULL && p->begun_ms != NULL)
		return 0;
	return fault_set(reterr, CN_RESPONSE_TOO_BIG, "the answer has too many elements");
}

/* A text of the page that goes on, NULL when there is none. */
static const char *goes_on(const struct xml_node *root, const char *name)
{
	bool more = strcmp(xml_child_text(root, "IsTruncated"), "true") == 0;
	const char *next = xml_child_text(root, name);
	return more && next[0] != 0 ? next : NULL;
}

int s3_names_read(struct arena *a, struct span body, const char *prefix, struct s3_page *ret,
	struct fault *reterr)
{
	struct s3_page p;
	size_t before = strlen(prefix);
	const struct xml_node *root = root_of(a, body, "ListBucketResult", reterr);
	if (root == NULL || page_alloc(a, root, &p, reterr) < 0)
		return -1;
	for (struct xml_node *c = root->child; c != NULL; c = c->next) {
		bool folder = strcmp(c->name, "CommonPrefixes") == 0;
		if (!folder && strcmp(c->name, "Contents") != 0)
			continue;
		const char *key = xml_child_text(c, folder ? "Prefix" : "Key");
		if (strncmp(key, prefix, before) != 0)
			return other_answer(reterr, "list of what was asked for");
		char *name = arena_strndup(a, key + before, strcspn(key + before, "/"));
		if (name == NULL)
			return fault_set(reterr, CN_RESPONSE_TOO_BIG, "the answer is too big");
		if (name[0] != 0)
			p.names[p.n++] = name;
	}
	p.next = goes_on(root, "NextContinuationToken");
	if (p.next == NULL && strcmp(xml_child_text(root, "IsTruncated"), "true") == 0)
		return other_answer(reterr, "list that can be gone on with");
	*ret = p;
	return 0;
}

int s3_uploads_read(struct arena *a, struct span body, struct s3_page *ret, struct fault *reterr)
{
	struct s3_page p;
	const struct xml_node *root = root_of(a, body, "ListMultipartUploadsResult", reterr);
	if (root == NULL || page_alloc(a, root, &p, reterr) < 0)
		return -1;
	for (const struct xml_node *c = xml_child(root, "Upload"); c != NULL;
		c = xml_next(c, "Upload")) {
		int64_t at = 0;
		if (rfc3339_parse(xml_child_text(c, "Initiated"), &at) < 0)
			at = 0;
		p.names[p.n] = xml_child_text(c, "Key");
		p.uploads[p.n] = xml_child_text(c, "UploadId");
		p.begun_ms[p.n++] = (uint64_t)at;
	}
	p.next = goes_on(root, "NextKeyMarker");
	p.next_id = goes_on(root, "NextUploadIdMarker");
	*ret = p;
	return 0;
}

int s3_upload_id(struct span body, char *out, size_t size, struct fault *reterr)
{
	struct arena a;
	arena_init(&a, ARENA);
	const struct xml_node *root = root_of(&a, body, "InitiateMultipartUploadResult", reterr);
	const char *id = root == NULL ? "" : xml_child_text(root, "UploadId");
	int rc = root == NULL ? -1 : 0;
	if (rc == 0 && (id[0] == 0 || strlen(id) >= size))
		rc = other_answer(reterr, "upload with an id");
	if (rc == 0)
		(void)snprintf(out, size, "%s", id);
	arena_fini(&a);
	return rc;
}
