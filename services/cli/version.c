// SPDX-License-Identifier: Apache-2.0
/* Backup versions: list of a device, export of an item, verification. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/cli/book.h"

char *resolve_device(struct cli *c, const char *ref)
{
	struct buf path = BUF_INIT;
	struct answer a;
	char *id = NULL;

	buf_adds(&path, "/devices/");
	request_escape(&path, ref);
	if (client_call(c, "GET", buf_str(&path), NULL, NULL, &a) == 0)
		id = mem_strdup(json_string_value(json_object_get(a.json, "id")));
	else
		(void)client_problem(c, &a);
	answer_fini(&a);
	buf_fini(&path);
	return id;
}

int run_version_list(struct cli *c, const struct verb *v)
{
	struct verb plain = *v;
	char *id = NULL;

	plain.method = "GET";
	plain.path = "/versions";
	if (c->n_args > 1)
		return cli_fail(EXIT_USAGE, "%s %s takes one device at most", v->noun, v->name);
	if (c->n_args == 1) {
		id = resolve_device(c, c->args[0]);
		if (id == NULL)
			return EXIT_ERROR;
		bug_if(c->n_flags == CLI_ARGS);
		c->flags[c->n_flags++] = (struct flag){.name = "device", .value = id};
		c->n_args = 0;
	}
	int rc = verb_run(c, &plain);
	free(id);
	return rc;
}

struct file {
	int fd;
	const char *path;
	int error;
};

static bool write_all(void *arg, struct span bytes)
{
	struct file *f = arg;

	while (bytes.n > 0) {
		ssize_t n = write(f->fd, bytes.p, bytes.n);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			f->error = errno;
			return false;
		}
		bytes.p += n;
		bytes.n -= (size_t)n;
	}
	return true;
}

/* What is exported: the bytes of an item, or the whole version in a format. */
struct export
{
	const char *item, *format, *losses, *out;
	bool accept;
};

static void export_path(struct buf *path, const char *id, const struct export *e)
{
	buf_addf(path, "/versions/%s/%s", id, e->format == NULL ? "content" : "export");
	if (e->format != NULL) {
		buf_adds(path, "?format=");
		request_escape(path, e->format);
		buf_adds(path, e->accept ? "&accept=true" : "");
		if (e->losses != NULL) {
			buf_adds(path, "&losses=");
			request_escape(path, e->losses);
		}
	} else if (e->item != NULL) {
		buf_adds(path, "?item=");
		request_escape(path, e->item);
	}
}

/* A spreadsheet is called so, a file for a machine never is (AB-24). */
static int export_name(const struct export *e)
{
	bool view = e->format != NULL && strcmp(e->format, "view") == 0 && e->losses == NULL;

	return e->out == NULL || strcmp(e->out, "-") == 0 ? 0 : book_out_name(e->out, view);
}

/* To a new file or to stdout; a file that is not whole does not stay. */
static int export_to(struct cli *c, const char *path, const char *out)
{
	struct file file = {.fd = STDOUT_FILENO, .path = out};
	struct fault f;

	if (out != NULL && strcmp(out, "-") != 0)
		file.fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	else if (isatty(STDOUT_FILENO))
		return cli_fail(EXIT_USAGE, "bytes of a device do not go to a terminal; -o FILE");
	if (file.fd < 0)
		return cli_fail(EXIT_ERROR, "%s: %s", out, strerror(errno));
	long status = client_stream(c, path, write_all, &file, &f);
	if (file.fd != STDOUT_FILENO && close(file.fd) != 0 && file.error == 0)
		file.error = errno;
	if (status == 200 && f.code == 0 && file.error == 0)
		return EXIT_DONE;
	if (out != NULL && file.fd != STDOUT_FILENO)
		(void)unlink(out);
	return cli_fail(status == 401 || status == 403 ? EXIT_AUTH
			: status == 429                ? EXIT_LATER
			: status == 409                ? EXIT_REFUSED
						       : EXIT_ERROR,
		"%s%s", file.error != 0 ? strerror(file.error) : f.detail,
		status == 409 ? "\n  --accept all writes it so; --losses csv says them all" : "");
}

int run_version_export(struct cli *c, const struct verb *v)
{
	const struct export e = {.item = cli_flag(c, "item"),
		.format = cli_flag(c, "format"),
		.losses = cli_flag(c, "losses"),
		.out = cli_flag(c, "o"),
		.accept = cli_flag(c, "accept") != NULL};
	struct buf path = BUF_INIT;
	int rc = cli_flags_done(c);

	if (rc != 0)
		return rc;
	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	if (export_name(&e) != 0)
		return EXIT_USAGE;
	char *id = resolve_version(c, c->args[0]);
	if (id == NULL)
		return EXIT_ERROR;
	export_path(&path, id, &e);
	rc = export_to(c, buf_str(&path), e.out);
	buf_fini(&path);
	free(id);
	return rc;
}

int run_version_verify(struct cli *c, const struct verb *v)
{
	struct buf path = BUF_INIT;
	struct answer a;
	int rc;
	size_t i;
	json_t *finding;

	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	buf_adds(&path, "/versions/");
	request_escape(&path, c->args[0]);
	buf_adds(&path, ":verify");
	if (client_call(c, "POST", buf_str(&path), NULL, NULL, &a) != 0) {
		rc = client_problem(c, &a);
	} else {
		rc = json_is_true(json_object_get(a.json, "good")) ? EXIT_DONE : EXIT_ERROR;
		if (c->json)
			print_json(a.json);
		else
			(void)printf("%s: %lld objects, %lld bytes read back\n",
				rc == EXIT_DONE ? "good" : "DAMAGED",
				(long long)json_integer_value(json_object_get(a.json, "objects")),
				(long long)json_integer_value(json_object_get(a.json, "bytes")));
		json_array_foreach(json_object_get(a.json, "findings"), i, finding)(void)
			cli_fail(0, "%s", json_string_value(finding));
	}
	answer_fini(&a);
	buf_fini(&path);
	return rc;
}
