// SPDX-License-Identifier: Apache-2.0
/* `carnet audit verify`: is the trail whole, and if not, where not. */
#include <stdlib.h>
#include <string.h>

#include "services/cli/cli.h"

static long long number(const json_t *o, const char *name)
{
	return json_integer_value(json_object_get(o, name));
}

/* --head SEQ:HASH, a checkpoint that was kept elsewhere, as a query. */
static int put_head(struct cli *c, struct buf *path)
{
	const char *head = cli_flag(c, "head");
	char *end;

	if (head == NULL)
		return 0;
	unsigned long long seq = strtoull(head, &end, 10);
	if (end == head || *end != ':' || strspn(end + 1, "0123456789abcdef") != 64 ||
		end[65] != '\0')
		return cli_fail(EXIT_USAGE, "--head is SEQ:HASH, as a checkpoint tells them");
	buf_addf(path, "?head_seq=%llu&head_hash=%s", seq, end + 1);
	return 0;
}

static void print_report(struct cli *c, const struct verb *v, const json_t *report)
{
	if (c->json) {
		print_json(report);
		return;
	}
	if (json_array_size(json_object_get(report, "faults")) > 0)
		table_print(c, json_object_get(report, "faults"), v->columns, NULL);
	else
		printf("whole: %lld entries, %lld checkpoints, the last at entry %lld\n"
		       "head: %lld:%s\n",
			number(report, "entries"), number(report, "checkpoints"),
			number(report, "checkpoint_seq"), number(report, "head_seq"),
			json_string_value(json_object_get(report, "head_hash")));
}

int run_audit_verify(struct cli *c, const struct verb *v)
{
	struct buf path = BUF_INIT;
	struct answer a;
	int rc;

	buf_adds(&path, "/audit:verify");
	rc = put_head(c, &path);
	if (rc == 0)
		rc = cli_flags_done(c);
	if (rc != 0) {
		buf_fini(&path);
		return rc;
	}
	rc = client_call(c, "GET", buf_str(&path), NULL, NULL, &a);
	buf_fini(&path);
	if (rc != 0)
		rc = client_problem(c, &a);
	else
		print_report(c, v, a.json);
	if (rc == 0 && !json_is_true(json_object_get(a.json, "whole")))
		rc = EXIT_ERROR;
	answer_fini(&a);
	return rc;
}
