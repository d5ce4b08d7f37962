"""What refusals, challenges and acknowledgements say."""

from __future__ import annotations

from canary.queues.replies.words.phrases import Phrases

_REFUSED = {
    "en": "(was|were|is|are|has been|have been|been|being|will be|automatically) (automatically |)(reject|"
    "refused|declined|blocked|denied|discarded|bounced|disapproved|not accepted|not approved|"
    "returned unread|not allowed|quarantin|deleted without|stripped) / "
    "(rejects?|refuses?|blocks?) (your|the|this|all|any) / "
    "(reject|refus|block)(ed|ing|s) (by|because|due|from|your|mail|message|request|posting|post|"
    "e-?mail|submission) / auto(matically |-|)(reject|discard|refus) / "
    "(message|mail|e-?mail|posting|post|request|submission|approval|attachment)( to ~|) (was |is |"
    "has been |)(reject|refused|blocked|declined|denied|disapproved) / rejected: / "
    "(not|n't) (accept|allow|permit|authori)~(mail|message|attachment|post|sender|send|write|external|"
    "outside|from) / (only|must be) ~ (members?|subscribers?)~(post|write|send|mail) / non-?member / "
    "not (a |)(member|subscrib|allowed to (post|send)|authori(s|z)ed to (send|post)) / "
    "(attachment|file|content)s? ~ (not allowed|prohibited|forbidden|blocked|not permitted|removed|"
    "banned|unacceptable) / "
    "(prohibited|forbidden|banned|dangerous|blocked|unauthorized) (attachment|file|content|extension) / "
    "(virus|spam|malware|policy|content)~(detect|found|violat|reject|block) / "
    "(detected|found|contain)~(virus|malware|spam) / violat~(polic|rule) / did not (pass|approve) / "
    "moderator~(reject|refus|declin|decision) / refuse to accept / "
    "(your|this) (message|mail|e-?mail)~(considered|classified|identified|looks like)~(spam|junk) / "
    "sender (is |)(blocked|denied|rejected|not allowed) / (not|n't) want~mail / held for~(spam) / "
    "recipient rejected",
    "de": "(abgelehnt|zuruckgewiesen|abgewiesen|blockiert|verweigert|nicht angenommen|nicht akzeptiert|"
    "nicht genehmigt|verworfen) / "
    "(anhang|anhange|dateityp|anlage)~(nicht erlaubt|verboten|unzulassig|nicht zulassig|blockiert|"
    "gesperrt) / nur mitglieder / (nicht berechtigt|keine berechtigung)~(senden|schreiben|post)",
    "fr": "(rejete|refuse|bloque|rejeter|refusé)( |e|s|,|:|$|.) / "
    "(piece jointe|pieces jointes|fichier)~(interdit|non autoris|bloqu|pas autoris) / "
    "(seuls|reserve)~(membres|abonnes) / pas autorise a",
    "es": "(rechazad|bloquead|denegad|no (fue |ha sido |)aceptad|no aprobad) / "
    "(adjunto|archivo)~(no permitid|prohibid|bloquead) / (solo)~(miembros|suscriptores)",
    "pt": "(rejeitad|recusad|bloquead|negad|nao (foi |)aceit|nao aprovad) / "
    "(anexo|arquivo|ficheiro)~(nao permitid|proibid|bloquead)",
    "it": "(rifiutat|respint|bloccat|non (e stat(o|a) |)accettat|negat(a|o)|non approvat) / "
    "(allegat)~(non consentit|vietat|bloccat|non ammess)",
    "nl": "(geweigerd|afgewezen|geblokkeerd|verworpen|niet geaccepteerd|niet goedgekeurd) / "
    "bijlage~(niet toegestaan|verboten|verboden|geblokkeerd)",
    "sv": "(avvisa|nekad|blockera|avslag|inte godkan|refuser|avslogs) / bilag~(inte tillat|forbjud)",
    "da": "(afvist|blokeret|naegtet|ikke godkendt|ikke accepteret) / vedhaeft~(ikke tilladt|forbudt)",
    "no": "(avvist|blokkert|nektet|ikke godkjent|ikke akseptert) / vedlegg~(ikke tillatt|forbudt)",
    "fi": "(hylatty|hylattiin|estetty|torjuttu|kieltaydy|ei hyvaksytty) / liite~(ei sallit|kielle)",
    "et": "(tagasi lukatud|keelduti|blokeerit|lukati tagasi)",
    "lv": "(noraidit|blokets|bloketa|atteikt)",
    "lt": "(atmest|uzblokuot|nepriimt)",
    "pl": "(odrzucon|zablokowan|odmow|nie (zostal|zostala|zostalo) (przyjet|zaakceptowan|zatwierdzon)) / "
    "(zalacznik)~(niedozwolon|zabronion|zablokowan|nie sa dozwol)",
    "cs": "(odmitnut|zablokovan|zamitnut|neprijat|nebyla prijata|nebyl prijat) / priloh~(nepovolen|zakazan)",
    "sk": "(odmietnut|zablokovan|zamietnut|neprijat) / priloh~(nepovolen|zakazan)",
    "hu": "(elutasit|visszautasit|blokkol|letilt|nem fogad) / mellek~(nem engedely|tiltott)",
    "ro": "(respins|refuzat|blocat|nu a fost acceptat|neaprobat)",
    "bg": "(отхвърл|отказан|блокира|не е прието)",
    "el": "(απορριφθ|απορριπτ|αποκλεισ|μπλοκαρ|δεν εγινε δεκτ)",
    "hr": "(odbijen|odbacen|blokiran|nije prihvac)",
    "sr": "(одбијен|одбачен|блокиран)",
    "sl": "(zavrnjen|blokiran|zavrnil|ni bilo sprejet)",
    "uk": "(відхилен|заблокован|відмовлен|не прийнят)",
    "ru": "(отклонен|отвергнут|заблокирован|отказано|не принят|отказан)",
    "tr": "(reddedil|engellen|kabul edilme)",
    "he": "(נדחה|נדחתה|נחסמ|סורב|נחסם)",
    "ar": "(رفض|رفضت|تم حظر|محظور|مرفوض)",
    "fa": "(رد شد|مسدود)",
    "hi": "(अस्वीकार|अवरुद्ध|अस्वीकृत)",
    "th": "ปฏิเสธ / ถูกบล็อก / ไม่อนุญาต",
    "vi": "(bi tu choi|bi chan|tu choi)",
    "id": "(ditolak|diblokir|disekat)",
    "ko": "(거부|거절|차단|반려)",
    "ja": "(拒否|拒絶|却下|ブロック|受け付けられません|許可されて|受信できません)",
    "zh": "(拒绝|拒絕|被拒|阻止|拦截|攔截|封锁|未获批准)",
}  # fmt: skip
_CHALLENGED = {
    "en": "confirm (that |)(your|you|this|the) ~ (message|mail|e-?mail|address|sent|human|sender|identity|"
    "delivery|real) / (please |to )(confirm|verify|authenticate|validate) / "
    "confirm(ation)? (of your|your|is (needed|required)) / "
    "(verify|prove|authenticate|validate|show) ~ (you are|you're|sender|human|your (identity|e-?mail|"
    "address)|yourself) / (sender|address|e-?mail|human) (verification|authentication|confirmation) / "
    "challenge / "
    "(message|mail|e-?mail|it)~(is|was|has been|will be|being) (being |)(held|on hold|waiting|"
    "quarantined|kept) ~ (until|unless|for|since|because|pending) / "
    "(is|was|has been|will be|being) (being |)held / "
    "(click|follow|visit|open|use|press)~(link|button|below|url|page|address|here)~(deliver|confirm|"
    "verify|release|approve|once|let|receive|accept|through|request|add|approv) / "
    "reply to this (message|mail|e-?mail)~(confirm|deliver|verify|release|to be) / approved? senders? / "
    "approved? (you|beforehand) / (only|allow)~from senders / "
    "(not|un)( yet|) ?(known|recogni|on (my|our|the|his|her)~(list|whitelist))~(here|sender|list|me|us|"
    "address) / whitelist / boxtrapper / spam ?arrest / captcha / awaits moderator / "
    "awaiting (approval|moderat|your confirm|confirm|authori)",
    "de": "(bitte |um )~(bestatigen sie|bestatigen|verifizieren)~(nachricht|mail|absender|adresse|identitat|"
    "link|mensch) / (nachricht|mail)~(zuruckgehalten|wartet|angehalten|gehalten) / "
    "(klicken|folgen|offnen) sie~(link|schaltflache) / absender(prufung|bestatigung|uberprufung)",
    "fr": "(veuillez|merci de|pour)~(confirmer|verifier|authentifier|valider) / "
    "(message|courriel|mail)~(retenu|en attente|mis en attente) / cliquez / verification de l'expediteur",
    "es": "(confirm(e|ar|a)|verifi(que|car|ca))~(mensaje|correo|remitente|identidad|direccion|enlace) / "
    "(mensaje|correo)~(retenido|en espera) / haga clic",
    "pt": "(confirm(e|ar)|verifi(que|car))~(mensagem|e-?mail|remetente|identidade|endereco|link) / "
    "(mensagem|e-?mail)~(retid|em espera|aguard) / clique",
    "it": "(conferm(a|are|i)|verific(a|are|hi))~(messaggio|mittente|mail|identita|indirizzo|link) / "
    "(messaggio|mail)~(trattenut|in attesa) / (clicc|fare clic)",
    "nl": "(bevestig|verifieer|controleer)~(bericht|afzender|adres|link|mail) / "
    "(bericht|mail)~(vastgehouden|wacht) / klik",
    "pl": "(potwierdz|zweryfikuj)~(wiadomosc|nadawc|adres|tozsamosc|link|odnosnik) / "
    "(wiadomosc)~(wstrzyman|oczekuje|zatrzyman) / kliknij",
    "cs": "(potvrdte|overte|potvrzeni)~(zprav|odesilatel|adres|odkaz) / (zprav)~(pozdrzen|ceka) / kliknete",
    "sk": "(potvrdte|overte)~(sprav|odosielatel|adres|odkaz) / kliknite",
    "hu": "(erositse meg|igazolja|hagyja jova)~(uzenet|level|felado|cim|hivatkozas|link)? / "
    "(uzenet|level)~(visszatart|varakozik) / kattints",
    "sv": "(bekrafta|verifiera)~(meddeland|avsandare|adress|lank) / klicka",
    "da": "(bekraeft|verificer)~(besked|meddelelse|afsender|adresse|link|mail) / klik pa",
    "no": "(bekreft|verifiser)~(melding|avsender|adresse|lenke|epost|e-post) / klikk",
    "fi": "(vahvista|varmista)~(viesti|lahettaja|osoite|linkki) / napsauta",
    "ru": "(подтверд)~(сообщен|письм|отправител|адрес|ссылк|личност) / "
    "(сообщен|письм)~(задержан|удержан|ожида) / (перейдите|нажмите)~(ссылк|кнопк)",
    "uk": "(підтверд)~(повідомлен|лист|відправник|адрес|посилан) / (перейдіть|натисніть)",
    "ro": "confirma(ti|rea)~(mesaj|expeditor|adres|link)",
    "tr": "(onaylay|dogrulay)~(mesaj|ileti|gonder|adres|baglanti)? / tiklay",
    "el": "(επιβεβαιω)~(μηνυμα|αποστολε|διευθυνσ|συνδεσμ)",
    "he": "(אשר|אמת)~(הודע|כתובת|שולח|קישור)",
    "ar": "(تأكيد|يرجى التأكيد|تحقق)~(رسالت|المرسل|عنوان|الرابط)",
    "ja": "(確認|認証)~(リンク|クリック|メッセージ|送信者|メール)~(クリック|保留|届け|配信|ください) / 保留",
    "ko": "(확인|인증)~(링크|클릭|발신자|보낸) / 보류",
    "zh": "(确认|確認|验证|驗證)~(邮件|郵件|发件人|寄件人|链接|連結|身份) / (点击|點擊)~(链接|連結)",
    "vi": "xac (nhan|minh)~(thu|nguoi gui|lien ket|dia chi)",
    "id": "(konfirmasi|verifikasi)~(pesan|pengirim|tautan|alamat) / klik",
    "th": "(ยืนยัน)~(ข้อความ|ผู้ส่ง|ลิงก์|อีเมล)",
}  # fmt: skip
_MACHINE = {
    "en": "please do not (reply|respond|answer) / auto(-| |)(reply|response|answer) ?: / "
    "(this is|this message is|you are receiving)~(automat|auto-?(generated|reply|response|mated)) / "
    "(automat(ed|ic)|automatically(-| )generated|auto(-| |)(generated|mated)) (response|reply|message|"
    "e-?mail|mail|acknowledg|confirmation|receipt|notification|answer) / "
    "(generated|sent|created|written|issued) (automatically|by an? (automat|machine|system|robot)) / "
    "(do|please do) not (reply|respond|answer)~(to this|this|directly) / don't reply / [auto / "
    "(replies|answers) to this (mail|message|address|e-?mail)~(not|un)(-| |)(read|monitored) / "
    "(no-?reply|unattended|unmonitored) (mailbox|address) / auto(-| )?generated / automated message / "
    "this mailbox is not",
    "de": "automatisch~(generiert|erzeugt|erstellt|versandt|verschickt|versendet|erfolgt|antwort|gesendet) / "
    "automatische (antwort|eingangs|nachricht|bestatigung|mail|e-mail|empfangs) / "
    "(bitte |)(antworten sie|nicht)~nicht auf diese / bitte nicht (auf diese ~ |)antworten / maschinell",
    "fr": "(message|reponse|courriel|mail|e-mail|accuse)~(automatique|automatiquement|genere) / "
    "(ne pas|ne repondez pas|merci de ne pas|veuillez ne pas) (y |)repond / automatiquement",
    "es": "(mensaje|respuesta|correo)~automatic / no (responda|conteste|responder) / "
    "generad(o|a) (automaticamente|de forma auto) / automaticamente",
    "pt": "(mensagem|resposta|e-?mail)~automatic / (nao|favor nao) (responda|responder) / automaticamente",
    "it": "(messaggio|risposta|e-?mail|mail)~automatic / (non|si prega di non) rispond / automaticamente",
    "nl": "automatisch~(gegenereerd|verstuurd|verzonden|bericht|antwoord|bevestiging|aangemaakt) / "
    "(niet|gelieve niet)~(beantwoord|antwoord|reageren|te antwoorden)",
    "sv": "(automatiskt|autogenererat|automatisk)~(svar|meddelande|genererat|skickat|bekraftelse|mejl|"
    "skapat) / (svara inte|svara ej|kan inte besvaras|gar inte att svara)",
    "da": "(automatisk)~(svar|besked|genereret|sendt|mail|bekraeftelse|kvittering) / "
    "(svar ikke|kan ikke besvares|besvar ikke|ikke svares)",
    "no": "(automatisk)~(svar|melding|generert|sendt|bekreftelse|e-post) / "
    "(ikke svar|svar ikke|kan ikke besvares)",
    "fi": "(automaatti|automaattinen|automaattisesti)~(viesti|vastaus|lahet|luotu|kuittaus|vahvistus) / "
    "(ala|alkaa) vasta",
    "is": "sjalfvirk",
    "et": "automaat~(teade|kiri|vastus|saadet|kinnitus) / (arge|palun mitte) vasta",
    "lv": "automatisk~(zinojum|atbild|genere|nosut) / (neatbildiet|ludzu neatbild)",
    "lt": "automatin~(pranes|laisk|atsak|sugener|patvirtin) / (neatsakyk|prasome neatsak)",
    "pl": "(automatyczn|wygenerowan|wyslan)~(wiadomosc|automatycznie|odpowiedz|potwierdz) / "
    "(prosimy|prosze|nie nalezy) (na nia |)(nie |)~odpowiada / (nie|prosimy nie) odpowiad",
    "cs": "automatick~(zprav|generovan|odpoved|odesl|potvrzen|vytvoren) / (neodpovidejte|prosim neodpov)",
    "sk": "automatick~(sprav|generovan|odpoved|odosl|potvrden|vytvoren) / (neodpovedajte|prosim neodpov)",
    "hu": "automat~(uzenet|level|generalt|valasz|kuld|visszaigaz|ertesites) / "
    "(ne valaszoljon|kerjuk, ne valasz|ne valasz)",
    "ro": "(automat)~(mesaj|generat|raspuns|trimis) / mesaj automat / nu raspund",
    "bg": "автоматич~(съобщ|генерир|отговор|изпрат) / не отговаряйте",
    "el": "(αυτοματ)~(μηνυμα|απαντηση|σταλ|δημιουργ) / (μην απαντ)",
    "hr": "automats~(poruk|generiran|odgovor|poslan|potvrd) / (ne odgovaraj|nemojte odgovar)",
    "sr": "аутоматск~(порук|генерис|одговор|послат) / не одговарај",
    "sl": "(samodejn|avtomatsk)~(sporocil|ustvarjen|odgovor|poslan|potrdi) / ne odgovarj",
    "uk": "автоматичн~(повідом|створ|відповід|надісл|лист) / не відповідайте",
    "ru": "автоматическ~(сообщен|письм|ответ|создан|отправ|уведомл|сформир) / "
    "(не отвечайте|не отвечать|просим не отвечать)",
    "tr": "otomatik~(mesaj|ileti|olustur|yanit|gonder|bildirim) / (yanitlamay|cevaplamay)",
    "he": "(הודעה|מענה|תשובה|נשלח)~(אוטומטי|אוטומטית) / אין להשיב / נא לא להשיב",
    "ar": "(رسالة|رد|تم إنشاء|أرسلت)~(تلقائي|آلي) / (لا ترد|عدم الرد|يرجى عدم الرد)",
    "fa": "(پیام|پاسخ)~خودکار / پاسخ ندهید",
    "hi": "(स्वचालित|स्वतः)~(संदेश|उत्तर|ईमेल|प्रतिक्रिया) / (उत्तर न दें|जवाब न दें)",
    "th": "(ข้อความ|อีเมล|ตอบกลับ|จดหมาย)(นี้|)~อัตโนมัติ / (กรุณาอย่า|โปรดอย่า|อย่า)~ตอบ",
    "vi": "(thu|tin|email|tra loi|phan hoi)~tu dong / (khong|vui long khong|dung) tra loi",
    "id": "(pesan|email|balasan|jawaban|dikirim)~(otomatis|automatik) / "
    "(jangan|mohon (untuk |)tidak|sila jangan) (mem|)balas",
    "ko": "자동(으로|)~(발송|생성|메일|응답|회신|전송) / (회신하지|답장하지)",
    "ja": "(自動)(的に|で|)(送信|配信|返信|生成|応答|作成) / (返信しないで|返信はご遠慮|返信いただいても|返信されても|ご返信なさら)",
    "zh": "(自动|自動|系统|系統)(自動|自动|)(生成|发送|回复|發送|回覆|发出|發出|产生|邮件|通知) / (请勿|請勿|请不要|請不要)(直接|)(回复|回覆|答复)",
}  # fmt: skip
_RECEIVED = {
    "en": "(have|has been|have been|was|were|been|'ve|had|we|is) (successfully |safely |now |just |been |"
    "already |)(received|registered|opened|created|logged|assigned|recorded|submitted|forwarded|queued|"
    "filed|raised|generated|reached us|added) / (has|have) reached (us|our) / "
    "(acknowledg|confirm)(e|es|ing|s|ed|) (the |)(receipt|receiving|that we (have |)received) / "
    "acknowledg(e)?ment / (receipt|received) (of your|confirmation|your|:) / "
    "thank(s| you) for (contacting|your (report|e-?mail|message|mail|request|enquiry|inquiry|note|"
    "interest|submission|feedback|query)|getting in touch|writing|reaching|submitting|reporting|"
    "letting us) / "
    "(ticket|case|incident|request|issue|reference|tracking|report)( |-|)(number|id|no|nr|#|key|"
    "reference|code|is|has been|received|created|opened|was|[)~# / "
    "(ticket|case|incident|request|reference) (number|id|#|no) / "
    "(case|ticket|request|incident) (opened|received|created|registered|logged) / "
    "(request|ticket|message|mail|report|case|e-?mail) received / "
    "(we|someone|somebody|a member|our team|you|the team|an agent|one of) ~ (will|shall|'ll|"
    "is going to|are going to|aim to|hope to|try to) ~ (reply|respond|be in touch|get back|contact you|"
    "review|look (at|into)|answer|hear from|process|handle|investigate|be answered) / "
    "will be (looked at|answered|handled|processed|reviewed|investigated|dealt with|attended) / "
    "we have it / your (reference|ticket|case) / as soon as possible / "
    "within # (hour|day|business|working|minute) / new ticket",
    "de": "eingegangen / (eingangs|empfangs)bestatig / "
    "(haben|habe|wurde|ist)~(erhalten|eingegangen|empfangen|registriert|angelegt|erfasst|eroffnet|"
    "aufgenommen) / (vorgangs|ticket|fall|bearbeitungs|referenz|anfrage)(-| |)(nummer|nr|id) / "
    "(danke|dank) fur (ihre|ihr|die|deine) / "
    "(werden|wird)~(bearbeite|melden|antworten|prufen|kummern|beantwort) / schnellstmoglich / "
    "bestatigen~(eingang|erhalt)",
    "fr": "accuse(r|) (de |)reception / (bien|avons|a ete|ete)~(recu|enregistre|cree|pris en compte) / "
    "(numero|reference)~(ticket|dossier|demande|incident) / merci (de|pour) (votre|nous avoir|de nous) / "
    "(traiter|repond|reviendr|contacter)~(plus brefs|delais|rapidement) / "
    "dans les (plus brefs|meilleurs) delais",
    "es": "(hemos|ha sido|se ha|fue|recibimos)~(recib|registrad|cread|abiert) / recibimos / "
    "(acuse|confirmacion)~recib / (numero|referencia)~(ticket|caso|solicitud|incidencia) / "
    "gracias por (su|contact|ponerse|escrib|tu|comunic) / "
    "(responder|contactar|atender)~(brevedad|pronto|lo antes) / a la (mayor |)brevedad",
    "pt": "(recebemos|foi|tenhamos|temos|registrad|registad)~(receb|registrad|registad|criad|abert) / "
    "recebemos / (numero|protocolo|referencia)~(ticket|chamado|caso|pedido|solicitac) / "
    "obrigad(o|a) (por|pel) / (breve|assim que possivel|o mais (rapido|breve)) / "
    "acus(o|amos) (a |)rece(p|)cao / protocolo",
    "it": "(abbiamo|e stat(a|o)|stata|confermiamo)~(ricev|registrat|apert|creat|ricezione) / "
    "(numero|riferimento|codice)~(ticket|caso|richiesta|pratica|segnalazione) / "
    "grazie per (aver|la|il|averci) / (rispond|ricontatt|contatt)~(appena|presto|possibile) / "
    "quanto prima",
    "nl": "(hebben|is|werd|heeft)~(ontvangen|geregistreerd|aangemaakt|in goede orde) / ontvangstbevestiging / "
    "(ticket|zaak|referentie|melding)(-| |)(nummer|id) / (bedankt|dank) (voor|u) / "
    "zo (snel|spoedig) mogelijk / goede orde ontvangen",
    "sv": "(har|vi har|ar)~(tagit emot|mottagit|registrera|mottag|skapat|mottaget) / "
    "(tack for) (ditt|din|att|er|ert) / (arende|arendenummer|referens)(nummer|id|#| nr| #) / "
    "(aterkommer|svarar|handlagger)~(sa snart|snart|inom) / mottagningsbekraftelse / mottagit",
    "da": "(har|vi har|er)~(modtaget|registreret|oprettet) / (tak for) (din|deres|jeres|henvendelse) / "
    "(sags|ticket|reference)(nummer|nr|id|#) / "
    "(vender tilbage|svarer|behandle)~(snarest|hurtigst|inden) / kvittering",
    "no": "(har|vi har|er)~(mottatt|registrert|opprettet) / (takk for) (din|at|henvendelse|e-?post|meldin) / "
    "(saks|referanse)(nummer|nr|id|#) / (besvare|svare|kommer tilbake)~(snarest|raskest|innen)",
    "fi": "(on|olemme|saimme)~(vastaanotettu|vastaanottaneet|saapunut|rekisteroity|saaneet|kirjattu|luotu) / "
    "(kiitos|kiitamme) (viestista|yhteydenot|ilmoituk|palaut) / "
    "(tapaus|tiketti|palvelupyynto|viite|asia)(numero|tunnus|n numero) / "
    "(vastaamme|kasittelemme|palaamme)",
    "is": "(mottekin|hefur verid|hofum)~(mottekin|mottek|borist|skrad) / takk fyrir",
    "et": "(on|oleme)~(vastu voetud|katte saanud|registreeritud|saanud|loodud) / "
    "(aitah|tanan|tanname)~(poord|kirja|teate) / (pilet|juhtumi|viite)(number|i number) / kattesaamis",
    "lv": "(ir|esam)~(sanem|registr) / paldies par / sanemts",
    "lt": "(gavome|gauta|gautas|uzregistr|gavom) / (aciu|dekojame) / (kreipinio|uzklausos)",
    "pl": "(otrzyma|odebra|przyje|zarejestrowa|utworzo|wplyn) / "
    "potwierdz~(otrzym|odbior|przyjec|zgloszen|wplyw) / "
    "(numer|nr)~(zgloszeni|sprawy|referencyj|ticket) / zgloszenie / dziekujemy (za|panstwu) / "
    "(odpowie|skontaktuj|rozpatrz)~(jak najszyb|niezwlocz|wkrotce)",
    "cs": "(obdrzeli|prijal|zaregistrov|byl prijat|byla prijata|evidov|zaevidov|bylo prijat|byl vytvoren) / "
    "(cislo|id)~(tiketu|pripadu|pozadavku|hlaseni) / dekuj~(za) / potvrz~(prijet) / (co nejdriv|odpovime)",
    "sk": "(obdrzali|dostali|prijal|zaregistrov|bol prijat|bola prijata|zaevidov|bol vytvoren|prijat) / "
    "(cislo|id)~(tiketu|pripadu|poziadavk|hlasen) / dakuj~(za) / potvrdz~(prijat)",
    "hu": "(megkaptuk|megerkez|iktat|rogzit|letrejott|befogad|visszaigazol) / "
    "(ugyszam|jegyszam|azonosito|hibajegy) / koszon(juk|om)~(level|megker|bejel|uzen|jelz) / "
    "(bejelentes|megkereses)~(szam|rogzit|megkap|iktat|azonosito) / "
    "(hamarosan|mielobb|rovid idon belul)~(valasz|kapcsol)",
    "ro": "(am primit|a fost (primit|inregistrat|creat|deschis)|confirmam primirea|inregistrata) / "
    "(numar)~(tichet|caz|solicitare|inregistr) / multumim (pentru|ca) / va vom (raspunde|contacta)",
    "bg": "(получихме|получен|регистриран|създаден|приет) / (номер)~(заявк|билет|случай) / благодарим",
    "el": "(ελαβαμε|ληφθηκε|εληφθη|καταχωρ|δημιουργηθ|παραλαβ) / (αριθμος)~(αιτημα|υποθεσ|δελτι) / "
    "ευχαριστουμε (για|που)",
    "hr": "(primili smo|zaprimlj|primljen|zabiljez|registrir|zaprimili|otvoren) / "
    "(broj)~(zahtjev|prijav|tiket|predmet) / (hvala|zahvaljuj)~(na|vam|sto) / primitak",
    "sr": "(примили смо|примљен|забележ|регистро|отворен) / (број)~(захтев|пријав|тикет) / хвала",
    "sl": "(prejeli smo|prejet|zabelez|evidentir|odprt|prejeto) / (stevilka)~(zahtev|zadev|prijav) / hvala / "
    "zahvaljuj",
    "uk": "(отримали|отримано|зареєстр|прийнят|створено) / (номер)~(звернен|заявк|запит) / дякуємо / "
    "підтвердж~отриман",
    "ru": "(получили|получен|зарегистр|принят|создан)~ / (номер)~(обращен|заявк|запрос|тикет) / "
    "(спасибо|благодарим) за / подтвержд~получен",
    "tr": "(aldik|alindi|ulasti|kaydedil|olusturul|almis|tarafimiza) / "
    "(talep|bilet|kayit|referans|basvuru)~(numara|no) / tesekkur",
    "sq": "(kemi marre|morem|u regjistrua) / faleminderit",
    "he": "(התקבלה|קיבלנו|נקלטה|נפתחה|התקבל) / (מספר)~(פניי|פנייה|קריאה|פניה) / תודה~(פני|על)",
    "ar": "(تم استلام|استلمنا|تلقينا|وصلتنا|تم تسجيل|تم فتح|استلام) / "
    "(رقم)~(التذكرة|الطلب|البلاغ|المرجع|الحالة) / شكرا~(لتواصل|على|لك)",
    "fa": "(دریافت (شد|کرد)|ثبت شد) / شماره~(پیگیری|درخواست|تیکت) / (متشکر|سپاس)",
    "hi": "(प्राप्त (हुआ|हो गया|हुई|हो)|मिल गया|पंजीकृत|दर्ज)~ / (टिकट|संदर्भ|शिकायत)~(संख्या|नंबर) / धन्यवाद",
    "th": "(ได้รับ)(ข้อความ|อีเมล|รายงาน|คำขอ|เรื่อง|แจ้ง|จดหมาย|การแจ้ง) / "
    "(หมายเลข)(ตั๋ว|เคส|อ้างอิง|คำร้อง) / ขอบคุณ(ที่|สำหรับ)",
    "vi": "(da nhan duoc|da tiep nhan|da duoc (ghi nhan|tiep nhan|tao)|nhan duoc) / ma so / "
    "(ma|so) (yeu cau|ve|ho so|tham chieu|phieu) / cam on~(lien he|da|quy)",
    "id": "(telah|sudah|kami|berhasil)~(menerima|diterima|terdaftar|terima|dicatat|dibuat) / "
    "(nomor|no|nombor)~(tiket|kasus|laporan|referensi|rujukan) / terima kasih (atas|telah|kerana|karena)",
    "ko": "(접수|수신)(되었|됐|하였|했|완료|을 확인|되어) / (접수|티켓|문의|참조|사건) ?번호 / 문의(해|하여)? ?(주셔서)? ?감사 / 감사합니다",
    "ja": "(受け付け|受付|受領|承り|受け取り|受信)(いた|まし|しま|けま|完了|ました|を|ており) / 受け付け / 受領 / (受付|お問い合わせ|チケット|管理)(番号|ID|id) / "
    "お問い合わせ(いただき|ありがと) / 追って(ご連絡|回答|返信)",
    "zh": "(已|我们|我們|已经|已經)(收到|受理|登记|登記|接收) / 收到(您|你|贵|貴) / (工单|工單|案件|受理|参考|參考|编号|單號|单号)(号|號|编号|編號|:|为|為) / "
    "(感谢|感謝|谢谢|謝謝)(您|你)?(的|来信|来函|來信|联系|聯絡|與)",
}  # fmt: skip
REFUSED = Phrases(_REFUSED)
"""That somebody or a rule did not take a message: a moderator, a filter, a gateway."""
CHALLENGED = Phrases(_CHALLENGED)
"""That a message is held until its sender does something."""
MACHINE = Phrases(_MACHINE)
"""That a message says of itself that nobody wrote it."""
RECEIVED = Phrases(_RECEIVED)
"""That a message was received; people say so too, before they say more."""
