// SPDX-License-Identifier: Apache-2.0
/* Answers of S3 servers, any bytes: an error, a page of names or of uploads, the id of one; within
 * bounds, and nothing that could be another folder or a line of its own. */
#include <string.h>

#include "services/storage/vaults/s3_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void printable(const char *s, size_t size)
{
	bug_if(strnlen(s, size) == size);
	for (; *s != 0; s++)
		bug_if(*s < ' ' || *s > '~');
}

static void errors(struct span body)
{
	struct s3_error e;
	bool is = s3_error_read(body, &e);
	bug_if(!is && e.code[0] != 0);
	printable(e.code, sizeof(e.code));
	printable(e.message, sizeof(e.message));
	printable(e.region, sizeof(e.region));
}

static void names(struct span body)
{
	struct arena a;
	struct s3_page p;
	struct fault f = FAULT_INIT;
	arena_init(&a, (size_t)32 * 1024 * 1024);
	if (s3_names_read(&a, body, "site/a/", &p, &f) == 0) {
		bug_if(p.next != NULL && p.next[0] == 0);
		for (size_t i = 0; i < p.n; i++)
			bug_if(p.names[i][0] == 0 || strchr(p.names[i], '/') != NULL);
	} else {
		bug_if(f.code == 0);
	}
	arena_fini(&a);
}

static void uploads(struct span body)
{
	struct arena a;
	struct s3_page p;
	char id[64];
	struct fault f = FAULT_INIT;
	arena_init(&a, (size_t)32 * 1024 * 1024);
	if (s3_uploads_read(&a, body, &p, &f) == 0)
		for (size_t i = 0; i < p.n; i++)
			bug_if(p.names[i] == NULL || p.uploads[i] == NULL);
	else
		bug_if(f.code == 0);
	arena_fini(&a);
	if (s3_upload_id(body, id, sizeof(id), &f) == 0)
		bug_if(id[0] == 0 || strnlen(id, sizeof(id)) == sizeof(id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct span body = {data, n};
	errors(body);
	names(body);
	uploads(body);
	return 0;
}
