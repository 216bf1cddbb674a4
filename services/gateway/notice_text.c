// SPDX-License-Identifier: Apache-2.0
/* Pure: notices in words. */
#include "services/gateway/notice_text.h"

#include <jansson.h>
#include <string.h>

#include "common/clock/clock.h"

enum { EN, FR, JA, LANGUAGES };

/* Words of the data, and ours. */
static const char *const words[][1 + LANGUAGES] = {
	{"succeeded", "succeeded", "réussi", "成功"},
	{"succeeded_none", "nothing to do", "rien à faire", "対象なし"},
	{"unchanged", "unchanged", "inchangé", "変更なし"},
	{"partial", "partly done", "partiel", "一部完了"},
	{"skipped", "skipped", "ignoré", "スキップ"},
	{"failed", "failed", "échoué", "失敗"},
	{"dead", "given up", "abandonné", "断念"},
	{"missed", "missed", "manqué", "未実行"},
	{"cancelled", "cancelled", "annulé", "取り消し"},
	{"aborted", "stopped by its limit of errors", "arrêté par sa limite d’erreurs",
		"エラー上限で中止"},
	{"empty", "no printers", "aucune imprimante", "対象プリンターなし"},
	{"expired", "not approved in time", "pas approuvé à temps", "承認期限切れ"},
	{"waiting", "waiting", "en attente", "待機中"},
	{"approval.wanted", "waits for approval", "attend une approbation", "承認待ち"},
	{"job.failed", "failed", "en échec", "失敗"},
	{"device.auth_hold", "refuses the login and is left alone",
		"refuse l’identification et n’est plus contactée",
		"ログインが拒否されたため保留中です"},
	{"device.tls_pin_changed", "shows another certificate and is left alone",
		"présente un autre certificat et n’est plus contactée",
		"証明書が変わったため停止中です"},
	{"device.identity_mismatch", "is another machine than it was",
		"est une autre machine qu’auparavant", "別の機器に置き換わっています"},
	{"book.changed", "address book changed", "carnet d’adresses modifié",
		"アドレス帳が変更されました"},
	{"backup.overdue", "printers without a verified backup in time",
		"imprimantes sans sauvegarde vérifiée à temps",
		"台のプリンターに期限内の検証済みバックアップがありません"},
	{"vault.verify_failed", "copies damaged or missing", "copies endommagées ou manquantes",
		"件のコピーが破損または欠落しています"},
	{"alarm.address_conflict", "printers share an address and port: nothing is written to them",
		"imprimantes partagent une adresse et un port : plus rien n’y est écrit",
		"台のプリンターがアドレスとポートを共有しているため、書き込みを止めています"},
	{"alarm.data_loss", "versions without a good copy", "versions sans copie intacte",
		"件の世代に正常なコピーがありません"},
	{"alarm.default_credential", "is a login that every new printer has: change it",
		"est un identifiant que toute imprimante neuve possède : à changer",
		"出荷時のままのログイン情報です。変更してください"},
	{"alarm.device_half_written", "was perhaps written by half: look at it",
		"peut-être écrite à moitié : à vérifier",
		"書き込みが途中で終わった可能性があります。確認してください"},
	{"alarm.drill_failed", "did not come back equal from a restore drill",
		"n’est pas revenue identique de l’exercice de restauration",
		"リストア演習の結果が一致しませんでした"},
	{"alarm.events_lost", "notices lost, nobody took them in time",
		"avis perdus, personne ne les a pris à temps",
		"件の通知が期限内に引き取られず失われました"},
	{"alarm.not_backed_up_again", "has no good copy and could not be backed up again",
		"n’a plus de copie intacte et n’a pas pu être sauvegardée de nouveau",
		"正常なコピーがなく、再バックアップもできませんでした"},
	{"alarm.scrub_late", "copies were not read again for 30 days",
		"copies non relues depuis 30 jours",
		"30日間再読み取りされていないコピーがあります"},
	{"alarm.token_rollback", "backup refused: the database has lost commits",
		"sauvegarde refusée : la base de données a perdu des transactions",
		"バックアップを拒否しました：データベースのコミットが失われています"},
	{"damaged", "damaged", "endommagée", "破損"},
	{"missing", "missing", "manquante", "欠落"},
	{"never", "never", "jamais", "なし"},
	{"test", "test notice", "avis de test", "テスト通知"},
	{"notices", "notices", "avis", "件の通知"},
	{"more", "more", "de plus", "件省略"},
	{"footer", "Sent by Carnet, subscription", "Envoyé par Carnet, abonnement",
		"Carnet からの通知、購読"},
};

static size_t language_of(const struct notice_mail *m)
{
	return strcmp(m->language, "fr") == 0 ? FR : strcmp(m->language, "ja") == 0 ? JA : EN;
}

/* A word we have no text for stays as it is. */
static const char *word(const struct notice_mail *m, const char *key)
{
	for (size_t i = 0; i < array_len(words); i++)
		if (strcmp(words[i][0], key) == 0)
			return words[i][1 + language_of(m)];
	return key;
}

static const char *text_of(const json_t *data, const char *member)
{
	const char *text = json_string_value(json_object_get(data, member));

	return text == NULL ? "" : text;
}

/* "98 succeeded, 2 failed" */
static void add_counts(const struct notice_mail *m, const json_t *data, struct buf *out)
{
	static const char *const order[] = {"succeeded", "unchanged", "partial", "skipped",
		"failed", "dead", "missed", "cancelled", "waiting"};
	const json_t *counts = json_object_get(data, "counts");
	const char *before = ": ";

	for (size_t i = 0; i < array_len(order); i++) {
		json_int_t n = json_integer_value(json_object_get(counts, order[i]));
		if (n == 0)
			continue;
		buf_addf(out, "%s%lld %s", before, (long long)n, word(m, order[i]));
		before = ", ";
	}
}

/* Whose news it is. */
static const char *name_of(const json_t *data)
{
	static const char *const members[] = {
		"device_name", "task_name", "subscription", "vault_name", "credential_name"};
	const char *name = "";

	for (size_t i = 0; i < array_len(members) && *name == '\0'; i++)
		name = text_of(data, members[i]);
	return name;
}

static long long number_of(const json_t *data, const char *member)
{
	return (long long)json_integer_value(json_object_get(data, member));
}

/* One notice in one line, without its time. Of many alike: how many. */
static void add_line(const struct notice_mail *m, const struct notice *n, struct buf *out)
{
	json_t *data = json_loads(n->data, 0, NULL);
	const char *name = name_of(data);
	bool many = json_object_get(data, "n") != NULL;

	if (*name != '\0' || !many)
		buf_addf(out, "%s: ", name);
	if (many || strcmp(n->kind, "job.failed") == 0)
		buf_addf(out, "%lld ", number_of(data, many ? "n" : "failed"));
	buf_adds(out,
		word(m, strcmp(n->kind, "run.finished") == 0 ? text_of(data, "state") : n->kind));
	if (strcmp(n->kind, "book.changed") == 0)
		buf_addf(out, " (+%lld −%lld ~%lld)", number_of(data, "added"),
			number_of(data, "removed"), number_of(data, "changed"));
	add_counts(m, data, out);
	json_decref(data);
}

static void add_time(const struct notice *n, struct buf *out)
{
	char at[CLOCK_RFC3339];

	(void)clock_rfc3339((uint64_t)n->at_ms, at);
	buf_addf(out, "%.10s %.5s UTC", at, at + 11);
}

/* ---- lines, for both forms: head(…) begins a notice, line(…) adds below it ---- */

struct form {
	void (*notice)(struct buf *out, const char *time, const char *line, const char *url);
	void (*detail)(struct buf *out, const char *line);
};

/* A job and its cause; a copy, a printer and since when. */
static void add_item(const struct notice_mail *m, const json_t *item, struct buf *out)
{
	static const char *const members[] = {"cause", "state", "last", "endpoint"};
	const char *what = "";

	for (size_t i = 0; i < array_len(members) && *what == '\0'; i++)
		what = text_of(item, members[i]);
	buf_addf(out, "%s: %s", text_of(item, "device_name"),
		word(m, *what == '\0' ? "never" : what));
}

static size_t add_items(const struct notice_mail *m, const struct form *form, const json_t *data,
	size_t room, struct buf *out)
{
	const json_t *jobs = json_object_get(data, "jobs"), *item;
	const json_t *list = jobs == NULL ? json_object_get(data, "list") : jobs;
	struct buf line = BUF_INIT;
	size_t i, n = 0;

	json_array_foreach(list, i, item)
	{
		if (n == room)
			break;
		buf_reset(&line);
		add_item(m, item, &line);
		form->detail(out, buf_str(&line));
		n++;
	}
	buf_fini(&line);
	return n;
}

static void add_notices(const struct notice_mail *m, const struct form *form, struct buf *out)
{
	struct buf time = BUF_INIT, line = BUF_INIT, url = BUF_INIT;
	size_t lines = 0, i;

	for (i = 0; i < m->notices_n && lines < NOTICE_LINES; i++) {
		const struct notice *n = &m->notices[i];
		json_t *data = json_loads(n->data, 0, NULL);
		buf_reset(&time);
		buf_reset(&line);
		buf_reset(&url);
		add_time(n, &time);
		add_line(m, n, &line);
		notice_url(n, m->base, &url);
		form->notice(out, buf_str(&time), buf_str(&line), buf_str(&url));
		lines += 1 + add_items(m, form, data, NOTICE_LINES - lines - 1, out);
		json_decref(data);
	}
	size_t more = m->notices_n - i + m->more;
	buf_reset(&line);
	buf_addf(&line, "%zu %s", more, word(m, "more"));
	if (more > 0)
		form->detail(out, buf_str(&line));
	buf_fini(&time);
	buf_fini(&line);
	buf_fini(&url);
}

/* ---- plain ---- */

static void plain_notice(struct buf *out, const char *time, const char *line, const char *url)
{
	buf_addf(out, "%s  %s%s%s\n", time, line, *url == '\0' ? "" : "  ", url);
}

static void plain_detail(struct buf *out, const char *line)
{
	buf_addf(out, "    %s\n", line);
}

void notice_mail_text(const struct notice_mail *m, struct buf *out)
{
	static const struct form plain = {plain_notice, plain_detail};

	add_notices(m, &plain, out);
	buf_addf(out, "\n--\n%s %s\n", word(m, "footer"), m->name);
}

/* ---- HTML ---- */

static void add_escaped(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '&':
			buf_adds(out, "&amp;");
			break;
		case '<':
			buf_adds(out, "&lt;");
			break;
		case '>':
			buf_adds(out, "&gt;");
			break;
		case '"':
			buf_adds(out, "&quot;");
			break;
		default:
			buf_addc(out, *s);
		}
	}
}

static void html_notice(struct buf *out, const char *time, const char *line, const char *url)
{
	buf_addf(out, "<p><small>%s</small> ", time);
	if (*url != '\0') {
		buf_adds(out, "<a href=\"");
		add_escaped(out, url);
		buf_adds(out, "\">");
	}
	add_escaped(out, line);
	buf_adds(out, *url != '\0' ? "</a></p>\n" : "</p>\n");
}

static void html_detail(struct buf *out, const char *line)
{
	buf_adds(out, "<div>&#8226; ");
	add_escaped(out, line);
	buf_adds(out, "</div>\n");
}

void notice_mail_html(const struct notice_mail *m, struct buf *out)
{
	static const struct form html = {html_notice, html_detail};

	buf_addf(out, "<!doctype html>\n<html lang=\"%s\"><meta charset=\"utf-8\"><body>\n",
		language_of(m) == FR   ? "fr"
		: language_of(m) == JA ? "ja"
				       : "en");
	add_notices(m, &html, out);
	buf_addf(out, "<hr><p><small>%s ", word(m, "footer"));
	add_escaped(out, m->name);
	buf_adds(out, "</small></p>\n</body></html>\n");
}

/* ---- the subject: run, state and counts ---- */

void notice_mail_subject(const struct notice_mail *m, struct buf *out)
{
	size_t all = m->notices_n + m->more;

	buf_adds(out, "Carnet: ");
	if (all == 1)
		add_line(m, &m->notices[0], out);
	else
		buf_addf(out, "%zu %s", all, word(m, "notices"));
}
