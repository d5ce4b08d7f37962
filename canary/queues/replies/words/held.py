"""What digests of quarantines say: that mail is held, and what one may have done with each message of the list."""

from __future__ import annotations

from canary.queues.replies.words.phrases import Phrases

_HELD = {
    "en": "quarantine / (message|mail|e-?mail)s? (are|is|were|was|being|currently|) ?(on hold|held|being held|withheld) / "
    "(new|your|my) (held|blocked) (message|mail|e-?mail) / (held|blocked) (message|mail|e-?mail)s? (digest|summary|report|notification|list) / "
    "(end|personal) ?-?user digest / (spam|junk|bulk)( mail| e-?mail)? (digest|summary|report|notification|list) / hold queue / held for (you|your) (to )?review",
    "de": "quarantane / zuruckgehalten / spam-?(bericht|digest|ubersicht|report)",
    "nl": "quarantaine / vastgehouden / in de wacht / spam-?(overzicht|rapport)",
    "fr": "quarantaine / (messages|courriels|e-?mails|courriers) (retenus|bloques|en attente) / (rapport|resume|synthese) (de|des|du) (spam|pourriel|courrier indesirable)",
    "es": "cuarentena / (mensajes|correos) (retenidos|bloqueados|en espera) / (informe|resumen) (de|del) (spam|correo no deseado)",
    "pt": "quarentena / (mensagens|e-?mails) (retidas|retidos|bloqueadas|bloqueados|em espera) / (relatorio|resumo) de spam",
    "it": "quarantena / messaggi (trattenuti|bloccati|in attesa) / (rapporto|riepilogo|resoconto) (dello |della |)(spam|posta indesiderata)",
    "ca": "quarantena",
    "ro": "carantin",
    "sv": "karantan",
    "da": "karantaene",
    "no": "karantene",
    "fi": "karanteeni",
    "et": "karantiin",
    "lv": "karantin",
    "pl": "kwarantann / (wiadomosci|wiadomosc) (wstrzyman|zatrzyman)",
    "cs": "karanten / (zprav|zpravy) ~ zadrzen",
    "hu": "karanten",
    "sl": "karanten",
    "tr": "karantina",
    "is": "sottkvi",
    "ru": "карантин",
    "mk": "карантин",
    "be": "каранцін",
    "el": "καραντιν",
    "he": "הסגר",
    "ar": "(ال|)حجر / العزل",
    "fa": "قرنطينه / قرنطینه",
    "hi": "संगरोध / क्वारंटाइन",
    "th": "กักกัน / กักเก็บ",
    "vi": "cach ly",
    "id": "karantina / kuarantin",
    "ko": "격리",
    "ja": "検疫 / 隔離 / (迷惑|スパム)メール(レポート|通知|サマリ)",
    "zh": "隔离 / 隔離 / 检疫 / (垃圾|攔截|拦截)(邮件|郵件)(摘要|报告|報告|通知)",
}

_ACTS = {
    "en": "(release|deliver|unblock|restore)( to inbox| this| the| all|)( message| mail| e-?mail| now|)$ / request (release|delivery)$ / "
    "(release|deliver|permit|allow)( message)? (and|&|+) (allow|approve|always allow|trust|whitelist|permit|safelist)( sender| list|)$ / "
    "(always |)(allow|approve|permit|trust|accept)( all| list| listed| sender| this sender|)$ / (block|deny|reject|blacklist)( all| list| listed| sender| this sender| domain|)$ / "
    "(white|safe|allow)-? ?list( sender|)$ / safe sender$ / (report |mark |)(as |)not (spam|junk)$ / (re|pre|)view( this| the|)( message| mail| e-?mail| details|)$ / (delete|remove|discard)( all| message|)$",
    "de": "(nachricht |e-?mail |)(freigeben|zustellen|zulassen|uberprufen|anzeigen|ansehen|loschen)$ / freigabe anfordern$ / (absender |)(blockieren|sperren|zulassen|erlauben)$ / vorschau$ / kein spam$",
    "nl": "(bericht |e-?mail |)(vrijgeven|bezorgen|bekijken|controleren|beoordelen|verwijderen)$ / vrijgave aanvragen$ / (afzender |)(blokkeren|toestaan)$ / geen spam$",
    "fr": "(liberer|debloquer|remettre|examiner|afficher|voir|supprimer|previsualiser)( le message| ce message|)$ / demander la (liberation|remise)$ / (bloquer|autoriser|approuver)( l'expediteur| cet expediteur|)$",
    "es": "(liberar|entregar|revisar|ver|eliminar)( el|)( mensaje| correo|)$ / solicitar (liberacion|publicacion)$ / (bloquear|permitir|aprobar)( al|)( remitente|)$ / vista previa$",
    "pt": "(liberar|libertar|entregar|rever|revisar|ver|excluir|eliminar)( a|)( mensagem| e-?mail|)$ / solicitar liberacao$ / (bloquear|permitir|aprovar)( o|)( remetente|)$",
    "it": "(rilascia|consegna|rivedi|esamina|visualizza|elimina|sblocca)( il|)( messaggio|)$ / richiedi (il |)rilascio$ / (blocca|consenti|approva)( il|)( mittente|)$ / anteprima$",
    "sv": "(slapp|frislapp|leverera|granska|visa|ta bort)( meddelande| meddelandet|)$ / begar frislappning$ / (blockera|tillat)( avsandare| avsandaren|)$",
    "da": "(frigiv|lever|gennemse|gennemga|vis|slet)( meddelelse| meddelelsen|)$ / (bloker|tillad)( afsender| afsenderen|)$",
    "no": "(frigi|lever|se gjennom|vis|slett)( melding| meldingen|)$ / (blokker|tillat)( avsender| avsenderen|)$",
    "fi": "(vapauta|toimita|tarkista|nayta|poista)( viesti|)$ / (esta|salli)( lahettaja|)$",
    "pl": "(zwolnij|dostarcz|przejrzyj|wyswietl|usun)( wiadomosc|)$ / (zablokuj|zezwol)( nadawce|)$ / zazadaj zwolnienia$",
    "cs": "(uvolnit|dorucit|zkontrolovat|zobrazit|odstranit)( zpravu|)$ / (blokovat|povolit)( odesilatele|)$",
    "hu": "(uzenet |)(kiadasa|felszabaditasa|kezbesitese|megtekintese|attekintese|torlese)$ / (felado |)(letiltasa|engedelyezese)$",
    "ro": "(elibereaza|eliberati|livreaza|revizuiti|vizualizati|stergeti)( mesajul|)$ / (blocati|permiteti)( expeditorul|)$",
    "tr": "(iletiyi |mesaji |)(serbest birak|gozden gecir|goruntule|teslim et|sil)$ / (gondereni |)(engelle|izin ver)$",
    "ru": "(освободить|доставить|просмотреть|посмотреть|удалить)( сообщение| письмо|)$ / (заблокировать|разрешить)( отправителя|)$",
    "uk": "(звільнити|випустити|доставити|переглянути|видалити)( повідомлення| лист|)$ / (заблокувати|дозволити)( відправника|)$",
    "el": "(αποδεσμευση|παραδοση|ελεγχος|προβολη|διαγραφη)( μηνυματος|)$ / (αποκλεισμος|αποδοχη)( αποστολεα|)$",
    "ja": "(メッセージ|メール)?(の|を)?(解放|リリース|配信|確認|表示|プレビュー|削除)(する)?$ / (差出人|送信者)(を)?(の)?(ブロック|拒否|許可)(する)?$",
    "zh": "(释放|放行|投递|查看|审阅|预览|删除|釋放|檢閱|預覽|刪除|傳遞)(邮件|郵件|消息|訊息)?$ / (阻止|封锁|封鎖|允许|允許)(发件人|寄件者|發件人)?$",
    "ko": "(메시지 ?)?(해제|릴리스|전달|검토|보기|미리 ?보기|삭제)$ / (보낸 사람|발신자) ?(차단|허용)$",
}

HELD = Phrases(_HELD)
ACTS = Phrases(_ACTS)
