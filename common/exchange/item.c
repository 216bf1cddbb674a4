// SPDX-License-Identifier: Apache-2.0
/* The items, as the makers' menus name them, in the order of their bits. */
#include "common/exchange/item.h"

#include <string.h>

#define BATCH 19u

static const char *const ids[] = {
	"basic_info",
	"paper_types",
	"printer_settings",
	"printer_download_profile",
	"forwarding",
	"box",
	"department_id",
	"key_settings",
	"certificate_crl",
	"visual_message",
	"home",
	"web_access",
	"favorites",
	"address_book",
	"user_group_address_list",
	"auth_users",
	"security_policy",
	"personal_setting_info",
	"meap_settings",
	"indiv_address_book",
	"indiv_device_settings",
	"indiv_web_favorites",
	"indiv_printer_settings",
	"indiv_paper_info",
	"indiv_ab_personal",
	"indiv_ab_group",
};

static const char *const names[array_len(ids)][3] = {
	{"Settings/Registration Basic Information", "Informations de base Réglages/Enregistrement",
		"設定／登録の基本情報"},
	{"Paper Type Management Settings", "Réglages de gestion des types de papier",
		"用紙種類の管理設定"},
	{"Settings for Printer Settings", "Contenu des réglages d’imprimante",
		"プリンター設定の設定情報"},
	{"Download Profile for Printer Settings",
		"Profil téléchargé pour les réglages d’imprimante",
		"プリンター設定のダウンロードプロファイル"},
	{"Forwarding Settings", "Réglages de transfert", "転送設定"},
	{"Box Settings", "Réglages des boîtes", "ボックス設定"},
	{"Department ID Management Settings", "Réglages de gestion des ID de service",
		"部門別ID管理設定"},
	{"Key Settings", "Réglages des clés", "鍵設定"},
	{"Certificate/Certificate Revocation List (CRL) Settings",
		"Réglages des certificats et des listes de révocation (CRL)",
		"証明書／証明書失効リスト（CRL）設定"},
	{"Visual Message Settings", "Réglages des messages visuels", "ビジュアルメッセージ設定"},
	{"Home Settings", "Réglages de l’écran d’accueil", "ホーム設定"},
	{"Web Access Settings", "Réglages de l’accès Web", "ウェブアクセス設定"},
	{"Favourite Settings", "Réglages favoris", "お気に入り設定"},
	{"Address Book", "Carnet d’adresses", "アドレス帳"},
	{"User Group Address List", "Liste d’adresses de groupe d’utilisateurs",
		"ユーザーグループアドレスリスト"},
	{"Authentication User Management", "Gestion des utilisateurs authentifiés",
		"認証ユーザー管理"},
	{"Security Policy Settings", "Réglages de la politique de sécurité",
		"セキュリティーポリシー設定"},
	{"Personal Setting Information", "Informations des réglages personnels",
		"パーソナル設定情報"},
	{"MEAP Application Setting Information", "Informations de réglage des applications MEAP",
		"MEAPアプリケーション設定情報"},
	{"Address Book", "Carnet d’adresses", "アドレス帳"},
	{"Device Settings (forwarding, address book, send favourites)",
		"Réglages du périphérique (transfert, carnet d’adresses, favoris d’envoi)",
		"デバイス設定（転送設定、アドレス帳、送信のお気に入り）"},
	{"Web Access favourites", "Favoris de l’accès Web", "ウェブアクセスのお気に入り"},
	{"Printer Settings", "Réglages d’imprimante", "プリンター設定"},
	{"Paper Information", "Informations sur le papier", "用紙情報"},
	{"Personal address list", "Liste d’adresses personnelle", "個人アドレスリスト"},
	{"User group address list", "Liste d’adresses de groupe d’utilisateurs",
		"ユーザーグループアドレスリスト"},
};

const char *const *exchange_items(const char *op, size_t *ret_n)
{
	if (strcmp(op, "batch_ie") == 0) {
		*ret_n = BATCH;
		return ids;
	}
	*ret_n = strcmp(op, "indiv_ie") == 0 ? array_len(ids) - BATCH : 0;
	return *ret_n > 0 ? ids + BATCH : NULL;
}

int exchange_item_bit(const char *id)
{
	for (size_t i = 0; i < array_len(ids); i++)
		if (strcmp(ids[i], id) == 0)
			return (int)i;
	return -1;
}

const char *exchange_item_name(const char *id, unsigned language)
{
	int bit = exchange_item_bit(id);

	return bit < 0 || language > 2 ? id : names[bit][language];
}
