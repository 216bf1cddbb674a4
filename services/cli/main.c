// SPDX-License-Identifier: Apache-2.0
/* carnet: the command line. Words and flags in, one verb, one exit code. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "services/cli/fleet.h"
#include "services/cli/write.h"

#define TIMEOUT_MAX 86400 /* seconds */

static const char usage[] =
	"usage: carnet NOUN VERB [OBJECT] [--FLAG VALUE]…\n"
	"  --server URL        the gateway (CARNET_SERVER; http://127.0.0.1:8080)\n"
	"  --token-file FILE   an API token (CARNET_TOKEN_FILE; ~/.config/carnet/token)\n"
	"  --json --wide       for scripts; more columns\n"
	"  --lang en|fr|ja     of messages (LANG)\n"
	"  --dry-run --yes     show what would be sent and change nothing; do not ask\n"
	"  --timeout SECONDS   of one request (60)\n"
	"Exit: 0 done, 1 error, 2 changes or warnings, 3 partial, 4 refused, 5 not authorised, 64 "
	"usage, "
	"75 try later; book: 0 equal or clean, 1 differences or losses, 2 error.\n\n";

int cli_fail(int code, const char *fmt, ...)
{
	va_list ap;
	struct buf b = BUF_INIT;
	struct buf safe = BUF_INIT;

	va_start(ap, fmt);
	buf_addv(&b, fmt, ap);
	va_end(ap);
	/* our own line breaks stay, what came from elsewhere is shown escaped */
	for (char *line = (char *)b.p; line != NULL;) {
		char *end = strchr(line, '\n');
		if (end != NULL)
			*end = '\0';
		safe_text(&safe, line);
		buf_addc(&safe, '\n');
		line = end == NULL ? NULL : end + 1;
	}
	(void)fprintf(stderr, "carnet: %s", buf_str(&safe));
	buf_fini(&b);
	buf_fini(&safe);
	return code;
}

const char *cli_flag(struct cli *c, const char *name)
{
	size_t at = 0;

	return cli_flag_next(c, name, &at);
}

const char *cli_flag_next(struct cli *c, const char *name, size_t *at)
{
	for (size_t i = *at; i < c->n_flags; i++) {
		if (strcmp(c->flags[i].name, name) != 0)
			continue;
		c->flags[i].used = true;
		*at = i + 1;
		return c->flags[i].value;
	}
	return NULL;
}

int cli_flags_done(struct cli *c)
{
	for (size_t i = 0; i < c->n_flags; i++)
		if (!c->flags[i].used)
			return cli_fail(EXIT_USAGE, "%s %s has no flag --%s", c->verb->noun,
				c->verb->name, c->flags[i].name);
	return 0;
}

/* Flags that stand alone; all others take the next word. */
static bool alone(const char *name)
{
	static const char *const names[] = {"json", "wide", "yes", "dry-run", "help", "all",
		"heads", "no-wait", "restart-if-needed", "barrier", "continue-on-error", "strict",
		"summary", "view", "transliterate", "reveal-secrets", "join", "always", "pre-image",
		"going", "clock-ok", "removable", "override-windows", "as-it-was", "prune"};

	for (size_t i = 0; i < array_len(names); i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int take_flag(struct cli *c, char *word, char *next, bool *ret_took_next)
{
	char *name = word[1] == '-' ? word + 2 : word + 1;
	char *eq = strchr(name, '=');

	*ret_took_next = false;
	if (c->n_flags == CLI_ARGS - 1)
		return cli_fail(EXIT_USAGE, "too many flags");
	struct flag *f = &c->flags[c->n_flags++];
	*f = (struct flag){.name = name, .value = "true"};
	if (eq != NULL) {
		bool on = true;
		*eq = '\0';
		f->value = eq + 1;
		if (alone(name) && request_bool(f->value, &on) != 0)
			return cli_fail(EXIT_USAGE, "--%s '%s': true or false", name, f->value);
		c->n_flags -= !on; /* as if it was not given */
	} else if (!alone(name)) {
		if (next == NULL)
			return cli_fail(EXIT_USAGE, "--%s needs a value", name);
		f->value = next;
		*ret_took_next = true;
	}
	return 0;
}

/* Behind -- everything is a word. */
static int parse(struct cli *c, int argc, char **argv)
{
	bool words = false;

	c->args = mem_alloc(((size_t)argc + 1) * sizeof(c->args[0]));
	for (int i = 1; i < argc; i++) {
		bool took = false;
		if (!words && strcmp(argv[i], "--") == 0) {
			words = true;
			c->n_before = c->n_args;
			continue;
		}
		if (words || argv[i][0] != '-' || argv[i][1] == '\0') {
			c->args[c->n_args++] = argv[i];
			continue;
		}
		int rc = take_flag(c, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &took);
		if (rc != 0)
			return rc;
		i += took;
	}
	if (!words)
		c->n_before = c->n_args;
	return 0;
}

static const char *lang_of(const char *text)
{
	if (text != NULL && strncmp(text, "fr", 2) == 0)
		return "fr";
	return text != NULL && strncmp(text, "ja", 2) == 0 ? "ja" : "en";
}

size_t cli_lang(const struct cli *c)
{
	return strcmp(c->lang, "fr") == 0 ? 1 : strcmp(c->lang, "ja") == 0 ? 2 : 0;
}

static const char *env(const char *name, const char *fallback)
{
	const char *v = getenv(name);

	return v != NULL && *v != '\0' ? v : fallback;
}

/* A token given by flag or variable must be there; the one at home may be missing. */
static int read_token(struct cli *c, const char *given)
{
	char home[512];
	const char *path = given != NULL ? given : env("CARNET_TOKEN_FILE", NULL);

	if (path == NULL) {
		(void)snprintf(home, sizeof(home), "%s/.config/carnet/token", env("HOME", "/"));
		if (access(home, R_OK) != 0)
			return 0;
		path = home;
	}
	char *line = cli_read_line(path);
	if (line == NULL)
		return EXIT_AUTH;
	(void)snprintf(c->token_text, sizeof(c->token_text), "%s", line);
	c->token = c->token_text;
	free(line);
	return 0;
}

static size_t terminal_cells(void)
{
	struct winsize w = {.ws_col = 0};
	size_t given = strtoul(env("COLUMNS", "0"), NULL, 10);

	if (given == 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0)
		given = w.ws_col;
	return given;
}

static bool is_book(const char *noun)
{
	return noun != NULL && strcmp(noun, "book") == 0;
}

static bool without_token(const char *noun)
{
	static const char *const nouns[] = {"setup", "explain", "completion"};

	for (size_t i = 0; i < array_len(nouns); i++)
		if (strcmp(nouns[i], noun) == 0)
			return true;
	return false;
}

static int take_timeout(struct cli *c)
{
	const char *text = cli_flag(c, "timeout");
	char *end = NULL;

	if (text == NULL)
		text = "60";
	unsigned long seconds = isdigit((unsigned char)*text) ? strtoul(text, &end, 10) : 0;
	if (seconds < 1 || seconds > TIMEOUT_MAX || *end != '\0')
		return cli_fail(EXIT_USAGE, "--timeout takes seconds, 1 … %d", TIMEOUT_MAX);
	c->timeout_ms = (uint32_t)seconds * 1000;
	return 0;
}

static int common_flags(struct cli *c)
{
	const char *server = cli_flag(c, "server");
	const char *lang = cli_flag(c, "lang");

	c->server = server != NULL ? server : env("CARNET_SERVER", "http://127.0.0.1:8080");
	c->lang =
		lang_of(lang != NULL ? lang : env("LC_ALL", env("LC_MESSAGES", env("LANG", "en"))));
	c->json = cli_flag(c, "json") != NULL;
	c->wide = cli_flag(c, "wide") != NULL;
	c->yes = cli_flag(c, "yes") != NULL;
	c->dry_run = cli_flag(c, "dry-run") != NULL;
	c->tty = isatty(STDOUT_FILENO) != 0;
	c->terminal = c->tty ? terminal_cells() : 0;
	c->color = c->tty && *env("NO_COLOR", "") == '\0';
	bool book = is_book(c->verb->noun);
	if (take_timeout(c) != 0)
		return book ? EXIT_BOOK_ERROR : EXIT_USAGE;
	if (book && c->dry_run)
		return cli_fail(EXIT_BOOK_ERROR, "book %s has no flag --dry-run", c->verb->name);
	/* a first start has no token yet, and what is offline needs none */
	if (book || without_token(c->verb->noun))
		return 0;
	return read_token(c, cli_flag(c, "token-file"));
}

static void help(const char *noun)
{
	(void)fputs(usage, stdout);
	for (size_t i = 0; i < verb_count; i++) {
		const struct verb *v = &verb_table[i];
		if (noun != NULL && strcmp(noun, v->noun) != 0)
			continue;
		(void)printf("  carnet %s %s%s%s%s%s  %s\n", v->noun, v->name, *v->name ? " " : "",
			v->args, *v->extra ? " " : "", v->extra, v->help);
	}
}

/* With --help: the flags that the route's own fields give. */
static void help_verb(const struct verb *v)
{
	const struct route *r = verb_route(v);

	(void)printf("carnet %s %s %s %s\n  %s\n", v->noun, v->name, v->args, v->extra, v->help);
	if (is_book(v->noun))
		book_help(v);
	write_help(v);
	lock_help(v);
	fleet_help(v);
	if (r == NULL)
		return;
	const struct msg_desc *d = request_body(r);
	for (size_t i = 0; i < d->n_fields; i++)
		(void)printf("  --%-24s %s\n", d->fields[i].name,
			d->fields[i].help == NULL ? "" : d->fields[i].help);
}

/* NOUN VERB, or a NOUN that is a verb by itself. */
static const struct verb *take_verb(struct cli *c)
{
	const struct verb *v = NULL;
	size_t used = 0;

	if (c->n_args >= 2 && (v = verb_find(c->args[0], c->args[1])) != NULL)
		used = 2;
	else if (c->n_args >= 1 && (v = verb_find(c->args[0], "")) != NULL)
		used = 1;
	memmove(c->args, c->args + used, (c->n_args - used) * sizeof(c->args[0]));
	c->n_args -= used;
	c->n_before -= size_min(c->n_before, used);
	return v;
}

/* What was printed must have arrived: a full disk or a closed stdout is an error. */
static int finish(struct cli *c, int rc)
{
	if (rc == EXIT_SHOWN)
		rc = EXIT_DONE;
	if (fflush(stdout) == 0 && ferror(stdout) == 0)
		return rc;
	return cli_fail(is_book(c->verb->noun) ? EXIT_BOOK_ERROR : EXIT_ERROR, "stdout: %s",
		strerror(errno));
}

static int verb_of(struct cli *c)
{
	bool wants_help = cli_flag(c, "help") != NULL;
	const char *noun = c->n_args > 0 ? c->args[0] : NULL;

	c->verb = take_verb(c);
	if (c->verb == NULL) {
		help(noun);
		return wants_help || noun == NULL ? EXIT_DONE
		       : is_book(noun)            ? EXIT_BOOK_ERROR
						  : EXIT_USAGE;
	}
	if (!wants_help)
		return -1;
	help_verb(c->verb);
	return EXIT_DONE;
}

/* A file that is opened must not become stdout, or what is printed would stand in it. */
static void guard_streams(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

static int run(struct cli *c, int argc, char **argv)
{
	int rc = parse(c, argc, argv);

	if (rc != 0)
		return argc > 1 && is_book(argv[1]) ? EXIT_BOOK_ERROR : rc;
	rc = verb_of(c);
	if (rc >= 0)
		return rc;
	rc = common_flags(c);
	if (rc != 0)
		return rc;
	return finish(c, c->verb->run != NULL ? c->verb->run(c, c->verb) : verb_run(c, c->verb));
}

/* Where nobody says anything (cron, a bare container) names are shown as they are, in UTF-8. */
static void choose_locale(void)
{
	(void)setlocale(LC_ALL, "");
	if (*env("LC_ALL", env("LC_CTYPE", env("LANG", ""))) == '\0')
		(void)setlocale(LC_CTYPE, "C.UTF-8");
}

int main(int argc, char **argv)
{
	struct cli c = {.lang = "en"};

	guard_streams();
	choose_locale();
	int rc = run(&c, argc, argv);
	client_close(&c);
	free(c.args);
	return rc;
}
