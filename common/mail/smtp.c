// SPDX-License-Identifier: Apache-2.0
/* SMTP by libcurl, and what its ends and a server's answers mean. */
#include "common/mail/smtp.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/buf.h"
#include "common/net/resolve.h"
#include "common/text/utf8.h"
#include "gen/errors.h"

struct smtp {
	struct smtp_job *job;
	CURL *easy;
	struct curl_slist *to, *at;
	char *url;
	size_t sent;    /* bytes of the message that libcurl took */
	unsigned reply; /* of the last line, 0 = none came */
	char says[CURL_ERROR_SIZE];
};

void smtp_start(void)
{
	bug_if(curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK);
}

/* ---- the address of a server ---- */

/* Adds the port of submission where none is said. NULL with a fault. */
static char *server_url(const struct mail_server *s, struct fault *reterr)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *port = NULL, *extra = NULL, *url = NULL;
	bool good = u != NULL && s->url != NULL &&
		    curl_url_set(u, CURLUPART_URL, s->url, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    (strcmp(scheme, "smtps") == 0 || strcmp(scheme, "smtp") == 0);
	static const CURLUPart none[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
		CURLUPART_QUERY, CURLUPART_FRAGMENT};
	for (size_t i = 0; good && i < array_len(none); i++) {
		good = curl_url_get(u, none[i], &extra, 0) != CURLUE_OK;
		curl_free(extra);
		extra = NULL;
	}
	if (good && curl_url_get(u, CURLUPART_PATH, &extra, 0) == CURLUE_OK)
		good = strcmp(extra, "/") == 0; /* libcurl would greet with it */
	if (good && strcmp(scheme, "smtp") == 0 &&
		curl_url_get(u, CURLUPART_PORT, &port, 0) != CURLUE_OK)
		good = curl_url_set(u, CURLUPART_PORT, "587", 0) == CURLUE_OK;
	if (!good || curl_url_get(u, CURLUPART_URL, &url, 0) != CURLUE_OK)
		fault_why(reterr, CN_VALIDATION_FAILED, "mail_server",
			"a mail server is smtps://host:port or smtp://host:port");
	curl_free(scheme);
	curl_free(port);
	curl_free(extra);
	curl_url_cleanup(u);
	return url;
}

int mail_server_check(const struct mail_server *s, struct fault *reterr)
{
	char *url = server_url(s, reterr);
	bool good = url != NULL;
	curl_free(url);
	return good ? 0 : -1;
}

/* ---- callbacks ---- */

static size_t on_read(char *out, size_t size, size_t count, void *arg)
{
	struct smtp *s = arg;
	struct span message = s->job->parcel.message;
	size_t n = size_min(size * count, message.n - s->sent);
	memcpy(out, message.p + s->sent, n);
	s->sent += n;
	return n;
}

/* Each line of the server, its code first. */
static size_t on_line(char *p, size_t size, size_t count, void *arg)
{
	struct smtp *s = arg;
	size_t n = size * count, keep = size_min(n, sizeof(s->job->answer) - 1);
	char *answer = s->job->answer;
	if (n > 3 && memcmp(p, "221", 3) == 0) /* to our leave: the last line before it counts */
		return n;
	memcpy(answer, p, keep);
	while (keep > 0 && (answer[keep - 1] == '\n' || answer[keep - 1] == '\r'))
		keep--;
	answer[keep] = 0;
	for (size_t i = 0; i < keep; i++)
		if ((unsigned char)answer[i] < 0x20 || answer[i] == 0x7f)
			answer[i] = '?';
	answer[utf8_prefix(answer, keep)] = 0;
	s->reply = (unsigned)strtoul(answer, NULL, 10);
	return n;
}

static int on_progress(void *arg, curl_off_t down unused, curl_off_t got unused,
	curl_off_t up unused, curl_off_t sent unused)
{
	const struct smtp *s = arg;
	return atomic_load(&s->job->stop);
}

/* ---- options ---- */

static void set_tls(CURL *e, const struct mail_server *s)
{
	char pin[128];
	(void)curl_easy_setopt(
		e, CURLOPT_USE_SSL, (long)(s->plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	(void)curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (s->ca_file != NULL)
		(void)curl_easy_setopt(e, CURLOPT_CAINFO, s->ca_file);
	if (s->pin_sha256 == NULL)
		return;
	(void)snprintf(pin, sizeof(pin), "sha256//%s", s->pin_sha256);
	(void)curl_easy_setopt(e, CURLOPT_PINNEDPUBLICKEY, pin);
	if (s->ca_file == NULL) {
		(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		(void)curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	}
}

static void set_times(CURL *e, const struct mail_server *s)
{
	long answer_ms = s->answer_ms ? (long)s->answer_ms : 60000;
	(void)curl_easy_setopt(
		e, CURLOPT_CONNECTTIMEOUT_MS, s->connect_ms ? (long)s->connect_ms : 15000);
	(void)curl_easy_setopt(e, CURLOPT_SERVER_RESPONSE_TIMEOUT, (answer_ms + 999) / 1000);
	(void)curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, s->total_ms ? (long)s->total_ms : 300000);
	(void)curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(e, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
}

static void set_mail(struct smtp *s)
{
	const struct mail_parcel *p = &s->job->parcel;
	CURL *e = s->easy;
	for (size_t i = 0; i < p->to_n; i++)
		s->to = curl_slist_append(s->to, p->to[i]);
	(void)curl_easy_setopt(e, CURLOPT_MAIL_FROM, p->from);
	(void)curl_easy_setopt(e, CURLOPT_MAIL_RCPT, s->to);
	(void)curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
	(void)curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)p->message.n);
	(void)curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
	(void)curl_easy_setopt(e, CURLOPT_READDATA, s);
	(void)curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_line);
	(void)curl_easy_setopt(e, CURLOPT_HEADERDATA, s);
	(void)curl_easy_setopt(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	(void)curl_easy_setopt(e, CURLOPT_XFERINFODATA, s);
	(void)curl_easy_setopt(e, CURLOPT_NOPROGRESS, 0L);
	(void)curl_easy_setopt(e, CURLOPT_ERRORBUFFER, s->says);
}

static void set_options(struct smtp *s)
{
	const struct mail_server *server = &s->job->server;
	CURL *e = s->easy;
	(void)curl_easy_setopt(e, CURLOPT_URL, s->url);
	(void)curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	(void)curl_easy_setopt(e, CURLOPT_PROXY, ""); /* never from the environment */
	if (server->user != NULL && server->user[0] != 0) {
		(void)curl_easy_setopt(e, CURLOPT_USERNAME, server->user);
		(void)curl_easy_setopt(
			e, CURLOPT_PASSWORD, server->password != NULL ? server->password : "");
	}
	if (s->at != NULL)
		(void)curl_easy_setopt(e, CURLOPT_RESOLVE, s->at);
	set_tls(e, server);
	set_times(e, server);
	set_mail(s);
}

/* ---- where ---- */

/* For libcurl, which asks nobody again then (SE-11). */
static struct curl_slist *addresses(const char *host, const char *port, const struct resolved *all)
{
	char text[ADDRESS_TEXT];
	struct buf line = BUF_INIT;
	buf_addf(&line, "%s:%s:", host, port);
	for (size_t i = 0; i < all->n; i++)
		buf_addf(&line, all->at[i].v6 ? "%s[%s]" : "%s%s", i == 0 ? "" : ",",
			address_text(&all->at[i], text));
	struct curl_slist *list = curl_slist_append(NULL, buf_str(&line));
	buf_fini(&line);
	return list;
}

/* -1: there is no such name, or it must not be there. */
static int check_host(struct smtp *s, const char *host, const char *port)
{
	struct fault *f = &s->job->fault;
	struct resolved all;
	struct address numeric;
	char name[256];
	bool v6 = host[0] == '[';
	(void)snprintf(name, sizeof(name), "%.*s", (int)(strlen(host) - (v6 ? 2 : 0)), host + v6);
	if (resolve_now(name, s->job->server.where, true, &all, f) == 0) {
		if (!address_parse(name, &numeric))
			s->at = addresses(host, port, &all);
		return 0;
	}
	bool unknown = f->code == CN_NAME_UNRESOLVED;
	f->code = unknown ? CN_MAIL_DEFERRED : CN_MAIL_REFUSED;
	(void)snprintf(
		f->reason, sizeof(f->reason), "%s", unknown ? "mail_unreachable" : "mail_network");
	return -1;
}

static int find_server(struct smtp *s)
{
	CURLU *u = curl_url();
	char *host = NULL, *port = NULL;
	bug_if(u == NULL ||
		curl_url_set(u, CURLUPART_URL, s->url, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK ||
		curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) != CURLUE_OK);
	int rc = s->job->server.where == NULL ? 0 : check_host(s, host, port);
	curl_free(host);
	curl_free(port);
	curl_url_cleanup(u);
	return rc;
}

/* ---- what the end means ---- */

static bool has(const char *text, const char *what)
{
	return strstr(text, what) != NULL;
}

/* Which 5xx? 552 is a full box when it is said of a recipient (RFC 5321 4.2.3, RFC 3463). */
static const char *refused(const struct smtp *s)
{
	const char *answer = s->job->answer;
	bool of_recipient = has(s->says, "RCPT");
	if (has(answer, " 5.3.4") || has(answer, " 5.2.3") || (s->reply == 552 && !of_recipient))
		return "mail_too_large";
	if (s->reply == 530 || s->reply == 534 || s->reply == 535 || s->reply == 538)
		return "mail_login";
	if (of_recipient)
		return "mail_recipient";
	return has(s->says, "MAIL") ? "mail_sender" : "mail_relay";
}

struct meaning {
	int code;
	const char *word;
};

static struct meaning without_answer(CURLcode rc)
{
	switch ((int)rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
		return (struct meaning){CN_MAIL_DEFERRED, "mail_unreachable"};
	case CURLE_OPERATION_TIMEDOUT:
		return (struct meaning){CN_MAIL_DEFERRED, "mail_no_answer"};
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return (struct meaning){CN_MAIL_REFUSED, "mail_certificate"};
	case CURLE_USE_SSL_FAILED:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
		return (struct meaning){CN_MAIL_REFUSED, "mail_no_tls"};
	case CURLE_LOGIN_DENIED:
		return (struct meaning){CN_MAIL_REFUSED, "mail_login"};
	case CURLE_WEIRD_SERVER_REPLY:
		return (struct meaning){CN_MAIL_REFUSED, "mail_relay"};
	default:
		return (struct meaning){CN_MAIL_DEFERRED, "mail_dropped"};
	}
}

static void judge(const struct smtp *s, CURLcode rc)
{
	struct fault *f = &s->job->fault;
	/* a time-out after an answer is none; TLS and certificates come after a good one */
	bool answered = s->reply >= 400 && rc != CURLE_OPERATION_TIMEDOUT;
	struct meaning m = !answered        ? without_answer(rc)
			   : s->reply < 500 ? (struct meaning){CN_MAIL_DEFERRED, "mail_busy"}
					    : (struct meaning){CN_MAIL_REFUSED, refused(s)};
	if (answered)
		(void)fault_why(f, m.code, m.word, "the mail server says: %s", s->job->answer);
	else
		(void)fault_why(f, m.code, m.word, "%s",
			s->says[0] != 0 ? s->says : curl_easy_strerror(rc));
}

void smtp_send(struct smtp_job *j)
{
	struct smtp s = {.job = j};
	j->answer[0] = 0;
	j->fault = FAULT_INIT;
	s.url = server_url(&j->server, &j->fault);
	if (s.url == NULL)
		return;
	if (find_server(&s) == 0) {
		s.easy = curl_easy_init();
		bug_if(s.easy == NULL);
		set_options(&s);
		CURLcode rc = curl_easy_perform(s.easy);
		if (rc != CURLE_OK)
			judge(&s, rc);
		curl_easy_cleanup(s.easy); /* says QUIT */
	}
	curl_slist_free_all(s.to);
	curl_slist_free_all(s.at);
	curl_free(s.url);
}
