"""What is said when a message did not get through, when it is late, and when it did arrive."""

from __future__ import annotations

from canary.queues.replies.words.phrases import Phrases

_FAILED = {
    "en": "could(n't| not) be delivered / "
    "(could not|couldn't|unable to|can't|cannot) find (any|a|the) (host|mailbox|user|account|recipient|"
    "domain) / can(not|'t| not) be delivered / "
    "(was|were|has|have)(n't| not) (been |)(successfully |)delivered / not (be |)delivered to / "
    "undeliver / unable to (deliver|relay|send|route|complete delivery) / able to deliver / "
    "deliver(y|ing) ~ (has |have |)fail / delivery (error|failure|problem|unsuccessful) / "
    "fail(ed|ure) to deliver / failure deliver / failure notice / "
    "(mail|message|delivery|transmission|nondelivery) (failure|failed) / unsuccessful deliver / "
    "delivery ~ unsuccessful / undelivered / nondeliver / non-deliver / "
    "(not|n't) (reach|get to|get through to|arrive at) / "
    "(could|can|cannot|was|were) ?(not|n't|) (hand|pass|send|route|transmit) (your|this|the) (mail|"
    "message|e-mail|email) / could not send / couldn't send / not sent to / cannot send / "
    "return(ed|ing) (mail|to sender|message|your|the original|undelivered|unopened) / "
    "(is|was|has been|being) returned / mail return / message (bounced|returned) / "
    "permanent (fatal |delivery |)(error|failure) / fatal error / "
    "(user|recipient|mailbox|account|address|addressee|host|domain|person)~(unknown|not found|"
    "unavailable|rejected|disabled|inactive|suspended|does not exist|doesn't exist|not exist|"
    "not recogni|not listed|invalid|not valid|couldn't be found|could not be found|not known|not match|"
    "is full|has been closed|expired|deactivated) / "
    "no (such|known) (user|recipient|mailbox|address|person|account|local|domain|host|name) / "
    "no mailbox / invalid ~ (userid|user id|login) / (did|does) not (exactly |)match / "
    "(mail|message|forwarding) loop / not (able|possible) to be delivered / duplicated message-id / "
    "(unknown|invalid|bad|nonexistent|non-existent|unrout(e|)able|illegal|incorrect|inactive|undefined|"
    "unresolvable) (local |e-mail |email |mail |)(user|recipient|mailbox|address|account|host|domain|"
    "name|destination|addressee) / unrout(e|)able / mailbox ~ full / mailbox(-| )full / "
    "mail box ~ full / mailbox size / (over|exceed|out of)~quota / quota exceed / disk quota / "
    "insufficient (system |disk |)storage / (is|are) no user / not a user / "
    "does(n't| not) have ~ (mailbox|account) / does(n't| not) (like|accept|exist here) / "
    "remote (host|server|system) (said|returned|responded|reply) / not going to try again / "
    "in the queue too long / requested action not taken / giving up on / i've given up / host unknown / "
    "host not found / name service error / relay(ing|) (access |)(denied|prohibited|not permitted) / "
    "not (listed|found) in ~ (directory|book) / was not accepted / (not|isn't) a (valid|known) / "
    "delivery is impossible / transcript of (the |)session / cannot deliver / "
    "address(ee|es|[es]|) (had|have|with|that) ~ (error|fail) / failed (recipient|address|addresses) / "
    "undeliverable / dead letter / delivery attempts? ~ fail / smtp error / "
    "(5.#.#|550|551|552|553|554)( |-|:)~(user|recipient|mailbox|address|denied|reject|unknown) / "
    "has not arrived / (never|not) arrive / was lost / will not be delivered / won't be delivered / "
    "delivery ~ not possible / error (while|in|during|when) (sending|delivering|delivery) / not deliver",
    "de": "nicht zugestellt / unzustellbar / nicht zustellbar / nicht (zu|aus)(ge|)liefert / "
    "zustell(ung|)~(fehlgeschlagen|fehler|nicht moglich|gescheitert) / konnte~nicht~(werden|erreichen) / "
    "(empfanger|postfach|benutzer|adresse)~(unbekannt|existiert nicht|nicht gefunden|voll|gesperrt|"
    "abgelehnt|ungultig) / zuruck an den absender / unbekannter (empfanger|benutzer) / zustellfehler",
    "fr": "n'a (pas |)(pu |)(pas |)etre (remis|delivre|achemine|distribu|livre) / "
    "non(-| |)(remis|distribu|delivr) / echec de (la |)(remise|distribution|livraison|l'envoi) / "
    "n'a pas ete (remis|distribu|delivre|livre) / "
    "impossible (de|d') ~ (remettre|livrer|distribuer|acheminer|delivrer) / "
    "(destinataire|adresse|boite)~(inconnu|introuvable|n'existe pas|pleine|invalide|rejete) / "
    "pas pu etre (remis|delivr|distribu|livre|achemin)",
    "es": "no (se |)(pudo|ha podido|puede|pudieron|ha sido posible) ~ (entreg|envi) / "
    "no (fue |ha sido |se ha |)entregad / no (se |)entreg / error (de|en la) entrega / "
    "(fallo|fallido|fracaso|imposible)~entreg / "
    "(destinatario|buzon|usuario|direccion|cuenta)~(desconocid|no existe|llen|no encontrad|rechazad|"
    "no valid) / devuelto al remitente",
    "pt": "nao (pode|foi|p(o|u)de) ~ (entreg) / (falha|erro|impossivel)~(entreg) / "
    "(destinatario|caixa|usuario|utilizador|endereco|conta)~(desconhecid|nao existe|chei|nao encontrad|"
    "rejeitad|invalid|inexistente) / nao entreg / devolvid",
    "it": "(non|impossibile)~(consegna|recapita|inoltra|inviare) / (mancata|errore)~(consegna|recapito) / "
    "(destinatario|casella|utente|indirizzo)~(sconosciut|non esiste|inesistente|piena|rifiutat|"
    "non trovat|non valid)",
    "nl": "(niet|kan|kon)~(bezorgd|afgeleverd|worden bezorgd|bezorgen) / onbestelbaar / "
    "(bezorg|aflever)(ing|)~mislukt / "
    "(ontvanger|mailbox|postvak|gebruiker|adres)~(onbekend|bestaat niet|vol|niet gevonden|geweigerd)",
    "sv": "(kunde|kan|har) (inte|ej) ~ (levereras|skickas|leverera|na ) / ej levererbar / olevererbar / "
    "(inte|ej) levererats / oleverera / leverans~misslyck / "
    "(mottagare|brevlada|anvandare|adress)~(okand|finns inte|full|hittades inte|avvisad)",
    "da": "(kunne|kan|blev) ikke ~ leveres / kunne ikke (leveres|afleveres) / blev ikke leveret / "
    "ikke leverings / levering~mislyk / kan ikke leveres / "
    "(modtager|postkasse|bruger|adresse)~(ukendt|findes ikke|fuld|ikke fundet|afvist) / uleverbar",
    "no": "(kunne|kan|ble) ikke ~ (leveres|levert) / ikke levert / levering~mislyk / "
    "(mottaker|postboks|bruker|adresse|postkasse)~(ukjent|finnes ikke|full|ikke funnet|avvist)",
    "fi": "(ei|ei voitu|ei voida|ei voi)~(toimitt|toimite|toimitet|lahett|perille) / toimitus~epaonnist / "
    "(vastaanottaja|postilaatikko|kayttaja|osoite)~(tuntematon|ei ole|taynna|ei loyd|hylat)",
    "is": "(ekki|ekki haegt)~(afhent|koma til skila|skila)",
    "et": "(ei saanud|ei saa|ei onnestunud)~(edasta|kohale|toimeta) / "
    "(saaja|postkast|kasutaja|aadress)~(tundmatu|ei leitud|tais|puudub) / edastamata / toimetamine nurjus",
    "lv": "(nevareja|nevar|netika|neizdevas)~(piegad|nosut) / nav piegadat / "
    "(adresats|sanemejs|pastkaste)~(nezinam|neeksiste|pilna|nav atrast)",
    "lt": "(nepavyko|negali|nebuvo)~(pristat|isius) / nepristaty / "
    "(gavejas|pasto dezute|adresas)~(nezinom|neegzistuoja|pilna|nerast)",
    "pl": "nie (zostal|mogl|udalo|mozna)~(dostarcz|dorecz|wysla|dostarczon) / nie dostarczono / niedorecz / "
    "niedostarcz / blad dostarcz / "
    "(odbiorca|adresat|skrzynka|uzytkownik|adres)~(nieznan|nie istnieje|pelna|przepelnion|"
    "nie znalezion|odrzucon) / zwrot do nadawcy",
    "cs": "(nebyl|nemohl|nelze|nepodaril)~(doruc|odesl) / nedoruc / "
    "(prijemce|schranka|uzivatel|adresa)~(neznam|neexist|pln|nenalezen|odmitnut)",
    "sk": "(nebol|nemohl|nemohla|nemozno|nepodaril|nedala)~(doruc|odosl) / nedoruc / "
    "(prijemca|schranka|pouzivatel|adresa)~(neznam|neexist|pln|nenajden|odmietnut)",
    "hu": "(nem|sikertelen)~kezbes / kezbesithetetlen / (kezbesites|tovabbitas)~sikertelen / "
    "nem sikerult (kezbes|elkuld|tovabbit) / "
    "(cimzett|postafiok|felhasznalo|cim)~(ismeretlen|nem letezik|megtelt|tele van|nem talalhato|elutasit)",
    "ro": "nu a (putut|fost)~(livrat|trimis|expediat) / (nelivra|nu poate fi livrat|nu s-a putut livra) / "
    "(livrare|trimitere)a? esuat / "
    "(destinatar|cutie|utilizator|adresa)~(necunoscut|nu exista|plina|respins|inexistent)",
    "bg": "(не може|не беше|не бе|не можа)~(достав|изпрат) / недостав / неуспешн~достав / "
    "(получател|кутия|потребител|адрес)~(неизвест|не съществува|пълна|не е намерен)",
    "el": "(δεν|αδυνατη|αποτυχια|αδυνατο)~(παραδοθ|παραδοση|παραδο|σταλ) / "
    "(παραληπτης|γραμματοκιβωτιο|χρηστης|διευθυνση)~(αγνωστ|δεν υπαρχει|γεματο|δεν βρεθηκε)",
    "hr": "(nije|nisu|ne moze|nije moguce|nije bilo)~(isporuc|dostav|uruc) / neisporuc / nedostav / "
    "isporuka~(nije uspjela|nije uspela|neuspje) / "
    "(primatelj|primalac|sanduc|korisnik|adresa)~(nepoznat|ne postoji|pun|nije pronad)",
    "sr": "(није|не може|није могуће)~(испоруч|достав|уруч) / неиспоруч / "
    "(прималац|сандуче|корисник|адреса)~(непознат|не постоји|пун|није пронађен)",
    "sl": "(ni bilo|ni mogoce|ne more|ni mogla|ni)~(dostav|posla|dostavlj) / nedostav / "
    "(prejemnik|predal|uporabnik|naslov)~(neznan|ne obstaja|poln|ni najden)",
    "mk": "(не може|не беше)~(достав|испорач)",
    "uk": "(не вдалося|не може бути|не було|неможливо|не було)~(достав|надісл|відправ) / недостав / "
    "не доставлено / "
    "(одержувач|отримувач|адресат|скриньк|користувач|адрес)~(невідом|не існує|переповнен|не знайден|"
    "відхилен)",
    "ru": "(не может быть|не удалось|не было|невозможно|не удается|не был)~(достав|отправ|переда) / недостав / "
    "не доставлен / ошибка доставки / "
    "(получатель|адресат|ящик|пользователь|адрес)~(неизвест|не существует|переполнен|не найден|отклон|"
    "отвергнут)",
    "tr": "(teslim edileme|iletileme|ulastirilama|gonderileme|ulasamadi|iletilemedi) / "
    "(alici|posta kutusu|kullanici|adres)~(bilinm|bulunama|dolu|mevcut degil|reddedil|gecersiz) / "
    "teslimat~basarisiz",
    "ca": "no s'ha pogut (lliurar|entregar|enviar) / no (s'ha|ha estat) (lliurat|entregat) / "
    "(error|fallada)~lliurament / "
    "(destinatari|bustia|usuari|adreca)~(desconegu|no existeix|plena|no s'ha trobat)",
    "gl": "non (se |)(puido|pudo)~entreg",
    "eu": "ezin izan da~(entregatu|bidali|helarazi)",
    "ga": "nior~seachad",
    "mt": "ma setax (jigi|tigi) (konsenjat|ikkunsinjat)",
    "sq": "nuk (mund te|u) dorezua / (nuk u|nuk mund)~dorez",
    "he": "לא ניתן (היה |)(למסור|לשלוח|להעביר) / לא נמסר / (המסירה|המשלוח) נכשל / כשל במסירה / "
    "(הנמען|התיבה|הכתובת)~(לא קיימ|מלאה|לא נמצא|לא ידוע)",
    "ar": "(تعذر|لم يتم|لا يمكن|فشل|لم تصل)~(تسليم|توصيل|ارسال|إرسال) / لم يتم تسليم / "
    "(المستلم|العنوان|البريد|المستخدم)~(غير موجود|غير معروف|ممتلئ|لا يوجد)",
    "fa": "(تحویل|ارسال)~(نشد|ناموفق|امکان پذیر نیست) / قابل تحویل نیست",
    "hi": "(वितरित|डिलीवर|पहुंचाया|भेजा|पहुँचाया)~(नहीं|विफल|असफल) / डिलीवरी विफल",
    "th": "ไม่สามารถ(ส่ง|นำส่ง|จัดส่ง) / ส่งไม่สำเร็จ / (นำส่ง|จัดส่ง|การส่ง)~(ไม่สำเร็จ|ล้มเหลว|ไม่ได้) / "
    "ไม่พบ(ผู้รับ|ที่อยู่) / กล่องจดหมาย~เต็ม",
    "vi": "khong (the|duoc)~(gui|chuyen|phan phoi) / (gui|chuyen|phan phoi)~(that bai|khong thanh cong) / "
    "(nguoi nhan|dia chi|hop thu)~(khong ton tai|khong tim thay|day|khong xac dinh)",
    "id": "(tidak dapat|gagal|tidak bisa|tidak)~(dikirim|terkirim|disampaikan|dihantar|kirim|mengirim) / "
    "(pengiriman|penghantaran)~gagal / "
    "(penerima|kotak surat|alamat|pengguna)~(tidak dikenal|tidak ditemukan|penuh|tidak ada)",
    "ko": "(전달|전송|배달|발송|배송)(하지|되지|할 수|될 수|에|을 |이 |이|을|)~(못|없|않|실패) / "
    "(수신자|받는 사람|메일함|사용자|사서함|주소)~(없|찾을 수|가득|존재하지|알 수) / 반송",
    "ja": "(配信|配送|送信|配達|お届け|送達|届け)(する|に|が|を|は|)(こと|)(が|は|)(でき|失敗|不能|エラー|不可) / 配信不能 / "
    "届(きませんでした|けられませんでした|かなかった) / 配信されませんでした / "
    "(宛先|受信者|ユーザー|メールボックス|アドレス)~(見つかりません|存在しません|不明|いっぱい|満杯|拒否|容量) / 不達 / 戻ってきました / エラーメール",
    "zh": "(无法|未能|不能|没有|未)(成功|被|)(投递|送达|发送|传送|递送|送) / 退信 / 投递失败 / 发送失败 / 投遞失敗 / 傳送失敗 / "
    "(無法|未能|不能|未)(成功|被|)(投遞|送達|傳送|傳遞|遞送|寄) / 退回 / "
    "(收件人|收信人|邮箱|用户|地址|信箱|郵箱|使用者)~(不存在|未知|已满|已滿|找不到|拒绝|拒絕|无效|無效)",
}  # fmt: skip
_SUBJECT = {
    "en": "undeliver / delivery status notification( |:|$|[) / delivery notification / "
    "(delivery|transmission|mail|message) (failure|failed|error|problem|report|status|has failed|"
    "notice) / failure notice / mail delivery / returned mail / return(ed|ing)~(message|mail|sender) / "
    "message (not|could not be) delivered / "
    "(mail|message|e-mail|email) (bounced|returned|undeliver|not delivered|rejected|blocked|refused) / "
    "nondeliver / non-deliver / (could|can|was) ?not (be |)(deliver|send) / user unknown / "
    "unknown user / unable to deliver / notification d'etat / rejected mail / "
    "bounce(d|) (mail|message) / undelivered / mail system error / mailbox (is |)full / ndn / ndr: / "
    "unknown recipient / failed mail / invalid (recipient|address) / loop alert / mail(ing|) loop / "
    "(duplicat|mail forward)~(message-id|loop)",
}  # fmt: skip
_DELAYED = {
    "en": "(has been|have been|is|was|being|been|are) (temporarily |)(delayed|deferred|postponed|held up) / "
    "delayed # / delayed mail / deferred mail / mail delay / message delay / "
    "delivery (is |has been |was |)(being |temporarily |)(delay|deferred|postponed) / "
    "not (yet |)been (successfully |)delivered (yet|after|to ~ yet) / "
    "not yet (been |)(delivered|possible|arrived|reached) / yet to be delivered / "
    "not been delivered yet / "
    "still (trying|being retried|undelivered|in (the|our) queue|attempting|queued|waiting|in transit) / "
    "will (automatically |)(be retried|be tried|be attempted|keep trying|continue|try (again|to)|retry|"
    "be re-?tried|go on|remain in|stay in|be kept|still be|persist) / "
    "be (retried|tried) (for|again|until) / (kept|keep|keeps) (in the queue|trying|on trying) / "
    "tried until / tried again / (stays|stay|remain|remains|kept|is) in the (mail |)queue / "
    "(do|does|need) not need to (be |)re-?sen(d|t) / "
    "no (need|action) (is |)(to (re-?send|send)|required on your) / you don't need to re-?send / "
    "not necessary to re-?send / don't re-?send / do not re-?send / nothing to do for you / "
    "warning(:| )~(could not send|message still|undelivered|delay|not (yet |)(been |)delivered|"
    "delivery) / warning message only / this is (just |only |)a warning / "
    "(transient|temporary|non-?fatal|persistent transient) (non-?fatal |delivery |)(failure|error|"
    "problem|condition) / temporarily (unable|deferred) / attempts? will continue / "
    "retr(y|ied|ying) (for|until|will|again|every) / further attempts / another attempt / "
    "delivery attempts will / late for this recipient / is late / (delay) notification / [delay / "
    "delay] / delayed delivery / try to deliver ~ (again|for|until) / we'll keep trying / keep trying / "
    "not given up / next (attempt|try)",
    "de": "verzoger / verspatet / noch nicht (zugestellt|ausgeliefert|zugestellt werden) / "
    "(wird|werden) (weiter|es weiter|erneut|wieder|noch)~(versuch|zugestellt) / "
    "zustellversuch~(fortgesetzt|wiederholt|weiter|folg) / weiterhin versucht / "
    "(nicht|kein)~(erneut|noch einmal|nochmals) (zu |)senden / (vorubergehend|temporar)~(fehler|nicht) / "
    "bleibt in der warteschlange / nur eine warnung / erneuter versuch",
    "fr": "retard / (est|ete|a ete|livraison) differe / "
    "pas encore (ete |pu etre |)(remis|delivr|distribu|livr) / "
    "(tentatives?|essais?) (vont|se poursui|suivantes|seront|ulterieure) / "
    "(sera|serons|allons|continu|encore)~(reessay|retent|essay|tent)|nouvelle tentative / "
    "inutile de (le |)(renvoyer|reexpedier) / (n'est pas|pas) necessaire de ~ renvoyer / "
    "erreur temporaire / simple avertissement / temporairement",
    "es": "(retras|demor|aplaz) / (aun|todavia) no (se |ha |)~(entreg) / "
    "(seguir|continu|volver)~(intent|reintent) / reintent / "
    "no (es necesario|necesita|hace falta)~(reenvi|volver) / error temporal / "
    "(solo|unicamente) (una|un) (aviso|advertencia)",
    "pt": "(atras|adiad|demor) / ainda nao (foi|pode|p(o|u)de)~entreg / (continua|voltar|sera|novas)~(tent) / "
    "nao (e necessario|precisa)~(reenvi|enviar) / (falha|erro) temporari / tentando novamente",
    "it": "(ritard|ritardat|rimandat) / non (e |)(ancora|e ancora)~(consegn|recapit) / "
    "(ulteriori|nuovi|altri|riprov|continu|ancora)~(tentativ|prov) / "
    "non (e necessario|occorre|serve)~(rinvi|reinvi|inviare di nuovo) / errore temporaneo / "
    "temporaneamente",
    "nl": "vertra / (nog niet|nog steeds niet)~(bezorgd|afgeleverd) / "
    "(blijven|wordt|zal|opnieuw)~(prob|geprob|poging) / niet opnieuw te (verz|sturen) / "
    "tijdelijk(e|) (fout|probleem) / uitgesteld",
    "sv": "forsen / (annu|inte|har) (inte |)(annu |)(levererats|kunnat levereras an) / "
    "(fortsatt|nya|kommer att|igen)~forsok / behover inte skicka (om|igen) / tillfalligt fel / fordroj",
    "da": "forsink / endnu ikke~(lever|aflever) / (fortsaet|forsog|prover|nye)~(forsog|levere|igen) / "
    "ikke (behov for at |nodvendigt at )sende~igen / midlertidig fejl",
    "no": "forsink / (enna ikke|ikke enna)~lever / (fortsett|prove|nye)~(forsok|igjen|a levere) / "
    "trenger ikke (a |)sende~(pa nytt|igjen) / midlertidig feil",
    "fi": "viivast / viivyt / (ei ole|ei)~viela~(toimitet|toimit) / "
    "(yritetaan|jatketaan|yrita|uudelleen)~(uudelleen|toimit|yritt) / ei tarvitse lahettaa / "
    "tilapainen (virhe|vika|hairio)",
    "is": "(seinkad|tafi|tafist) / ekki enn",
    "et": "viibi / hiline / (veel ei ole|pole veel)~(kohale|edast|toimet) / "
    "(proovitakse|jatkatakse|uuesti)~(uuesti|proovi|edasta) / ajutine (viga|torge)",
    "lv": "(aizkav|kavej|noveloj) / vel nav~(piegad) / (meginas|turpinas|velreiz|atkartot)~(piegad|megin) / "
    "(islaicig|pagaidu) kluda",
    "lt": "(velu|uzdels|vela|atidet) / dar nebuvo~pristat / (bandys|bandoma|toliau|pakartot)~(pristat|band) / "
    "laikina klaida",
    "pl": "opozn / (jeszcze nie|wciaz nie|dotad nie|nie zostal(a|o|) jeszcze)~(dostarcz|dorecz) / "
    "(ponown|kolejn|dalsz|nadal)~(prob|dostarcz) / "
    "(nie trzeba|nie musisz|nie ma potrzeby)~(ponown|wysyl) / (tymczasow|przejsciow)~(blad|problem)",
    "cs": "(zpozd|opozd|odloz) / (dosud|zatim|jeste) (ne|)~doruc / "
    "(opakovan|znovu|nadale|dalsi)~(pokus|doruc) / neni (treba|nutne)~(znovu|odesilat) / "
    "docasn~(chyb|selh)",
    "sk": "(oneskor|omesk|odloz) / (doteraz|zatial|este) (ne|)~doruc / "
    "(opakovan|znova|nadalej|dalsi)~(pokus|doruc) / nie je (potrebne|treba|nutne)~(znova|posielat) / "
    "docasn~chyb",
    "hu": "(kesik|kesleltet|kesedelem|kesve|kesobb) / (meg nem|eddig nem|egyelore nem)~(kezbes|sikerult) / "
    "(ujra|tovabbra is|tovabb|ismet)~(probal|kiserl|kezbes) / nem kell (ujra|megegyszer|ismet)~kuld / "
    "(atmeneti|ideiglenes) hiba",
    "ro": "(intarzi|aman) / inca nu (a fost|s-a)~livrat / "
    "(continua|vom incerca|se va|reincerc)~(incerc|livr) / "
    "nu (este necesar|trebuie) sa~(retrimit|trimit) / eroare temporara / reincerc",
    "bg": "(закъсн|забав|отлож) / (все още не|още не)~достав / (отново|продълж|нови)~(опит|достав) / "
    "(временна|временен)~(грешка|проблем)",
    "el": "(καθυστερ) / (ακομα δεν|δεν εχει ακομη|δεν εχει)~παραδοθ~(ακομη|ακομα) / "
    "(θα συνεχ|νεα|ξανα|επανα)~(προσπαθ|παραδοσ|αποστολ) / προσωριν~(σφαλμα|προβλημα|αδυναμ)",
    "hr": "(kasni|odgod|zakas|kasnjenj) / "
    "(jos nije|jos uvijek nije|jos uvek nije|nije jos)~(isporuc|dostav|uruc) / "
    "(ponov|nastav|dalje|opet)~(pokus|pokus|isporuc|dostav) / (privremen)~(gresk|pogresk)",
    "sr": "(касни|одлож|закасн|одгођ) / (још није|није још)~(испоруч|достав|уруч) / "
    "(понов|настав|даљ)~(покуш|испоруч|достав)",
    "sl": "(zamuj|zakasn|zamud|odloz) / (se ni|se vedno ni)~(dostav) / "
    "(ponov|nadalj|se napr)~(poskus|posku|dostav) / zacasn~napak",
    "mk": "(задоцн|одлож) / (сѐ уште|уште) не",
    "uk": "(затрим|відклад|запізн) / (ще не|досі не)~(достав|надісл) / "
    "(повтор|продовж|надалі|нові|знову)~(спроб|достав|намаг) / тимчасов~(помил|збій|проблем)",
    "ru": "(задерж|отлож|задержк|откладыв) / (еще не|пока не|до сих пор не)~(достав|отправ) / "
    "(повтор|продолж|новые|снова|будут)~(попыт|доставк) / "
    "(не нужно|не требуется|нет необходимости)~(отправ|повтор) / временн~(ошиб|сбой|проблем)",
    "tr": "(gecik|erteleni|ertelen|gecikti) / henuz~(teslim edil|ilet|ulas) / "
    "(yeniden|tekrar|devam)~(dene|edilecek|gonder) / gecici (hata|bir hata|sorun)",
    "ca": "(endarrer|retard|retras|ajorn) / encara no (s'ha |ha )~(lliur|entreg) / "
    "(continuar|tornar|es)~(intent|reintent) / error temporal",
    "gl": "atras / demor / ainda non",
    "eu": "atzeratu / berandut",
    "ga": "moill",
    "sq": "(vonuar|vones) / ende nuk",
    "he": "(מתעכב|עיכוב|התעכב|מעוכב|נדח) / טרם (נמסר|נשלח) / עדיין לא (נמסר|נשלח) / "
    "(ננסה|נמשיך|המערכת תמשיך|ימשיך)~(שוב|לנסות|ל) / זמני(ת|) (שגיאה|תקלה) / (שגיאה|תקלה) זמנית",
    "ar": "(تأخير|تأخر|تاخر|متأخر|تأجيل) / لم (يتم|تصل)~بعد / "
    "(سنواصل|سيستمر|ستتم|سيتم|اعادة|إعادة)~(المحاولة|محاولة) / (خطأ|خلل) مؤقت",
    "fa": "(تاخیر|تأخیر) / هنوز~نشده / دوباره~(تلاش|سعی)",
    "hi": "(विलंब|देरी|विलम्ब) / अभी तक~नहीं / (पुनः|फिर से|दोबारा)~(प्रयास|कोशिश) / अस्थायी",
    "th": "ล่าช้า / ยังไม่(ได้|สามารถ)~ส่ง / (จะ|กำลัง)(พยายาม|ลอง)~(อีก|ต่อ|ใหม่) / ชั่วคราว",
    "vi": "(cham tre|bi tri hoan|tri hoan|bi cham|bi tre|hoan lai) / "
    "(chua duoc|van chua|chua)~(gui|chuyen|phan phoi) / (tiep tuc|se thu|thu lai|gui lai) / tam thoi",
    "id": "(tertunda|ditunda|tertangguh|terlambat|penundaan|ditangguh|kelewatan) / "
    "belum~(terkirim|dikirim|disampaikan|dihantar) / (akan|terus|masih)~(dicoba|mencoba|cuba|mencuba) / "
    "sementara",
    "ko": "(지연|늦어지|연기) / 아직~(못|않|전달|배달) / (다시|계속|재)~(시도) / 재시도 / 일시적",
    "ja": "(遅延|遅れ|遅く) / まだ~(配信|配送|届|送信|送達) / (再送|再試行|再度|引き続き|再配送|再配信|継続) / 再送信を試み / 一時的 / 再送(信|)する必要はありません",
    "zh": "(延迟|延遲|延误|延誤|推迟|推遲|暂缓) / (尚未|还未|還未|仍未|还没有|還沒有|暂未) / "
    "(继续|繼續|重新|再次|稍后|稍後|重)(尝试|嘗試|投递|投遞|试|試|重试|發送|发送) / 重试 / 重試 / (暂时|暫時|临时|臨時)",
}  # fmt: skip
_GAVE_UP = {
    "en": "giv(en|ing) up / gave up / not going to try / will be deleted from / deleted from queue / "
    "permanent(ly|) (fatal |delivery |)(error|fail|reject|problem) / "
    "no further (attempt|delivery|retr) / not be retried / won't (be retried|try|retry) / "
    "(removed|deleted) from (the |)queue / "
    "(is|being|was|has been|been) returned to (you|sender|its sender) / "
    "will not (be |)(retr|try|attempt) / "
    "(retry|delivery|queue|message|time) ?(time|)(limit|out|) (exceeded|has expired|expired) / "
    "retry timeout exceeded / been expired / could not be delivered for # days / "
    "(too many|all) (attempts|retries) / unable to deliver ~ after # / message expired / "
    "delivery expired / maximum (queue|retry|retention) / too long",
    "de": "endgultig / aufgegeben / dauerhaft~(fehl|nicht) / permanenter fehler / "
    "keine weiteren (zustell|versuch)",
    "fr": "definitiv / abandonn / erreur permanente",
    "es": "definitiv / permanente / no se (intentar|volver)",
    "pt": "definitiv / permanente",
    "it": "definitiv / permanente",
    "nl": "definitief / permanente fout",
    "pl": "ostateczn / trwal(y|e) blad",
    "ru": "окончательн / постоянн~ошиб",
    "ja": "恒久的|永続的|中止",
    "zh": "永久|放弃|放棄",
}  # fmt: skip
_DELIVERED = {
    "en": "success(ful|fully) ~ deliver / delivery (was |)success / "
    "(has been|was|were|is) (successfully |)(delivered|relayed|handed|expanded|received by the) / "
    "successful mail delivery / delivery (receipt|confirmation|report): / delivered: / relayed: / "
    "delivery to ~ (succeeded|is complete|was complete|complete) / "
    "delivery status notification [(success|relay|expan) / delivery has been completed",
    "de": "(erfolgreich|wurde|wurden) (zugestellt|ausgeliefert) / zugestellt: / ubermittlungsbestatigung / "
    "zustellbestatigung",
    "fr": "(a ete|bien ete|ete) (remis|delivr|distribu|livr) / remis(:| :) / confirmation de (remise|livraison)",
    "es": "(ha sido|fue|se ha|se) (entregad|entregado|entrego) / entregado: / confirmacion de entrega",
    "pt": "(foi|sido) entregue / entregue:",
    "it": "(e stato|stata|stato) (consegnat|recapitat) / consegnat(o|a): / ricevuta di consegna / "
    "avvenuta consegna",
    "nl": "(is|werd) (bezorgd|afgeleverd) / bezorgd:",
    "pl": "(zostal|zostala|zostalo) (dostarczon|doreczon) / dostarczono:",
    "ru": "(было|был|успешно) доставлен / доставлено:",
    "ja": "配信(されました|済み|完了)|開封",
    "zh": "(已|成功)(送达|投递|送達|投遞)",
    "sv": "har levererats / levererat:",
    "da": "er (blevet |)leveret / leveret:",
    "cs": "(byl|byla|bylo) (uspesne |)doruc / doruceno:",
    "hu": "kezbesitve",
}  # fmt: skip

FAILED = Phrases(_FAILED)
"""That a message did not get to where it was sent."""
FAILED_SUBJECT = Phrases(_SUBJECT, _FAILED)
"""The same, as it stands in subjects: shorter."""
DELAYED = Phrases(_DELAYED)
"""That it is late, and goes on being tried."""
GAVE_UP = Phrases(_GAVE_UP)
"""That nobody tries any more."""
DELIVERED = Phrases(_DELIVERED)
"""That it got there."""
