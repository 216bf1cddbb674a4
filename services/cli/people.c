// SPDX-License-Identifier: Apache-2.0
/* Verbs that carry a secret: it comes from a file or a prompt, never from a flag. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "common/http/client.h"
#include "common/msg/msg.h"
#include "services/cli/cli.h"

char *cli_read_line(const char *path)
{
	char text[1024];
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	bool got = f != NULL && fgets(text, sizeof(text), f) != NULL;

	if (f != NULL && f != stdin)
		(void)fclose(f);
	if (!got) {
		(void)cli_fail(0, "%s: cannot be read or is empty", path);
		return NULL;
	}
	text[strcspn(text, "\r\n")] = '\0';
	char *line = mem_strdup(text);
	explicit_bzero(text, sizeof(text));
	return line;
}

/* One line from the terminal without echo. */
static char *ask(const char *prompt)
{
	struct termios old;
	char text[512];

	if (tcgetattr(STDIN_FILENO, &old) != 0)
		return NULL;
	struct termios quiet = old;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	(void)fprintf(stderr, "%s: ", prompt);
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	bool got = fgets(text, sizeof(text), stdin) != NULL;
	(void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
	(void)fputc('\n', stderr);
	if (!got)
		return NULL;
	text[strcspn(text, "\r\n")] = '\0';
	char *line = mem_strdup(text);
	explicit_bzero(text, sizeof(text));
	return line;
}

char *cli_secret(struct cli *c, const char *name, const char *prompt, bool twice)
{
	char flag[64];

	(void)snprintf(flag, sizeof(flag), "%s-file", name);
	const char *file = cli_flag(c, flag);
	if (file != NULL)
		return cli_read_line(file);
	if (c->dry_run) /* shows no secret */
		return mem_strdup("");
	if (!isatty(STDIN_FILENO)) {
		(void)cli_fail(0, "--%s-file FILE is needed: there is no terminal to ask on", name);
		return NULL;
	}
	char *first = ask(prompt);
	char *second = twice && first != NULL ? ask("Once more") : NULL;
	if (first != NULL && twice && (second == NULL || strcmp(first, second) != 0)) {
		(void)cli_fail(0, "the two are not the same");
		free(first);
		first = NULL;
	}
	free(second);
	return first;
}

static int post(struct cli *c, const char *path, const json_t *body)
{
	struct answer a;
	int rc = client_call(c, "POST", path, body, NULL, &a);

	if (rc != 0)
		rc = client_problem(c, &a);
	else if (c->json)
		print_json(a.json);
	else
		table_object(c, a.json);
	answer_fini(&a);
	return rc;
}

/* Which member holds the secret of a kind of credential. */
static const char *secret_member(const char *kind)
{
	if (strcmp(kind, "system_manager") == 0)
		return "pin";
	if (strncmp(kind, "snmp_v1", 7) == 0 || strcmp(kind, "snmp_v2c") == 0)
		return "community_read";
	return strcmp(kind, "snmp_v3") == 0 ? "auth_password" : "password";
}

/* A second secret, where one was given: what may write over SNMP, what encrypts it. */
static int add_more_secrets(struct cli *c, json_t *body)
{
	static const struct {
		const char *flag, *name, *member;
	} more[] = {{"community-write-file", "community-write", "community_write"},
		{"privacy-password-file", "privacy-password", "privacy_password"}};

	for (size_t i = 0; i < array_len(more); i++) {
		if (cli_flag(c, more[i].flag) == NULL)
			continue;
		char *s = cli_secret(c, more[i].name, "", false);
		if (s == NULL)
			return EXIT_USAGE;
		(void)json_object_set_new(body, more[i].member, json_string(s));
		free(s);
	}
	return 0;
}

int run_cred_set(struct cli *c, const struct verb *v)
{
	static const char *const plain[] = {"kind", "device", "group", "site", "range", "user",
		"domain", "context", "auth-protocol", "privacy-protocol"};
	json_t *body = json_object();
	const char *kind = cli_flag(c, "kind");
	const char *id = cli_flag(c, "id");
	int rc;

	if (c->n_args != 1 || kind == NULL) {
		json_decref(body);
		return cli_fail(EXIT_USAGE, "%s %s needs %s and --kind", v->noun, v->name, v->args);
	}
	(void)json_object_set_new(body, "name", json_string(c->args[0]));
	for (size_t i = 0; i < array_len(plain); i++) {
		const char *value = cli_flag(c, plain[i]);
		char member[32];
		(void)snprintf(member, sizeof(member), "%s", plain[i]);
		for (char *p = member; *p != '\0'; p++)
			*p = *p == '-' ? '_' : *p;
		if (value != NULL)
			(void)json_object_set_new(body, member, json_string(value));
	}
	if (id != NULL)
		(void)json_object_set_new(body, "id_number", json_string(id));
	char *secret = cli_secret(c, "password", "Password, PIN or community", false);
	rc = secret == NULL ? EXIT_USAGE : add_more_secrets(c, body);
	if (rc == 0)
		rc = cli_flags_done(c);
	if (rc == 0) {
		(void)json_object_set_new(body, secret_member(kind), json_string(secret));
		rc = post(c, "/credentials", body);
	}
	free(secret);
	json_decref(body);
	return rc;
}

int run_user_create(struct cli *c, const struct verb *v)
{
	const char *role = cli_flag(c, "role");
	json_t *assignments;

	if (c->n_args != 1)
		return cli_fail(EXIT_USAGE, "%s %s needs %s", v->noun, v->name, v->args);
	int rc = assignments_read(c, &assignments);
	if (rc != 0)
		return rc;
	char *password = cli_secret(c, "password", "Password", true);
	if (password == NULL) {
		json_decref(assignments);
		return EXIT_USAGE;
	}
	json_t *body = json_pack("{s:s, s:s, s:s}", "name", c->args[0], "role",
		role == NULL ? "viewer" : role, "password", password);
	if (assignments != NULL)
		(void)json_object_set_new(body, "assignments", assignments);
	rc = cli_flags_done(c);
	if (rc == 0)
		rc = post(c, "/users", body);
	json_decref(body);
	free(password);
	return rc;
}

/* ---- setup: the first administrator, then a token for this command ---- */

static int save_token(const char *path, const char *token)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t n = strlen(token);
	bool good = fd >= 0 && write(fd, token, n) == (ssize_t)n && write(fd, "\n", 1) == 1;

	if (fd >= 0 && close(fd) != 0)
		good = false;
	return good ? 0 : cli_fail(EXIT_ERROR, "%s: %s", path, strerror(errno));
}

/* With the fresh session: a token of role admin. */
static int make_token(struct cli *c, const struct answer *session, const char *out)
{
	char cookie[256];
	char value[200];
	char proof[128];
	struct answer a;
	const char *csrf = json_string_value(json_object_get(session->json, "token"));
	int rc;

	if (http_header(session->headers, "Set-Cookie", value, sizeof(value)) == NULL ||
		csrf == NULL)
		return cli_fail(EXIT_ERROR, "the server gave no session");
	(void)snprintf(cookie, sizeof(cookie), "Cookie: %.*s", (int)strcspn(value, ";"), value);
	(void)snprintf(proof, sizeof(proof), "X-Carnet-Token: %.80s", csrf);
	const char *headers[] = {cookie, proof, NULL};
	json_t *body = json_pack("{s:s, s:s}", "name", "command line", "role", "admin");
	if (client_call(c, "POST", "/tokens", body, headers, &a) != 0)
		rc = client_problem(c, &a);
	else
		rc = save_token(out, json_string_value(json_object_get(a.json, "token")));
	json_decref(body);
	answer_fini(&a);
	return rc;
}

int run_setup(struct cli *c, const struct verb *v)
{
	const char *setup_file = cli_flag(c, "setup-token-file");
	const char *name = cli_flag(c, "name");
	const char *out = cli_flag(c, "token-out");
	struct answer a = {.status = 0};

	if (setup_file == NULL || out == NULL)
		return cli_fail(EXIT_USAGE, "%s needs --setup-token-file and --token-out", v->noun);
	char *setup_token = cli_read_line(setup_file);
	char *password = setup_token == NULL ? NULL
					     : cli_secret(c, "password",
						       "Password of the first administrator", true);
	int rc = password == NULL ? EXIT_USAGE : cli_flags_done(c);
	if (rc == 0) {
		json_t *body = json_pack("{s:s, s:s, s:s}", "setup_token", setup_token, "name",
			name == NULL ? "admin" : name, "password", password);
		c->token = NULL;
		rc = client_call(c, "POST", "/setup", body, NULL, &a) != 0 ? client_problem(c, &a)
									   : make_token(c, &a, out);
		json_decref(body);
	}
	if (rc == 0)
		(void)cli_fail(0, "administrator '%s' is there; API token in %s",
			name == NULL ? "admin" : name, out);
	answer_fini(&a);
	free(setup_token);
	free(password);
	return rc;
}

/* Sealed to somebody's key, or else to a password that was agreed apart. */
int run_version_mail(struct cli *c, const struct verb *v)
{
	const char *key = cli_flag(c, "recipient-key");
	json_t *body = json_object();
	int rc = 0;

	if (key != NULL) {
		(void)json_object_set_new(body, "recipient_key", json_string(key));
	} else {
		char *password = cli_secret(c, "password", "Password agreed with them", true);
		rc = password == NULL ? EXIT_USAGE : 0;
		if (password != NULL) {
			(void)json_object_set_new(body, "password", json_string(password));
			explicit_bzero(password, strlen(password));
		}
		free(password);
	}
	if (rc == 0)
		rc = verb_run_with(c, v, body);
	json_decref(body);
	return rc;
}
