"""What notes of absence say: the subjects they begin with, and that somebody is away, or gone for good."""

from __future__ import annotations

from canary.queues.replies.words.phrases import Phrases

_AUTOMATIC_REPLY = {
    "en": "automatic (reply|response|answer|e-?mail reply|mail reply) / "
    "auto(-| |)(reply|response|responder|answer|respond|resp|re) ?: / "
    "auto(-| |)(reply|response|responder|answer) / automated (reply|response|answer) / auto: / "
    "vacation (reply|response)",
    "de": "automatische (antwort|ruckantwort|ruckmeldung|e-?mail) / automatische antwort / autom. antwort / "
    "autoantwort / automatisch generierte antwort",
    "nl": "automatisch (antwoord|bericht) / automatische reactie",
    "fr": "(reponse|message) automatique",
    "es": "(respuesta|contestacion) automatica",
    "pt": "resposta automatica",
    "it": "(risposta|messaggio) automatic(a|o)",
    "ca": "resposta automatica",
    "gl": "resposta automatica",
    "eu": "erantzun automatikoa",
    "ro": "raspuns automat / (mesaj|raspuns) automat",
    "sv": "(automatiskt svar|autosvar|automatiska svar|automatsvar)",
    "da": "automatisk svar / autosvar / automatsvar",
    "no": "automatisk svar / autosvar / automatisk melding",
    "is": "sjalfvirkt svar",
    "fi": "(automaattinen vastaus|automaattivastaus|automaattinen poissaoloviesti)",
    "et": "automaatne vastus / automaatvastus",
    "lv": "automatiska atbilde / automatiska atbild",
    "lt": "automatinis atsakymas / automatinis atsak",
    "pl": "automatyczna odpowiedz / odpowiedz automatyczna / autoodpowiedz / autorespond",
    "cs": "automatick(a|y|e) odpoved",
    "sk": "automatick(a|y|e) odpoved",
    "hu": "automatikus (valasz|uzenet)",
    "sl": "samodejni odgovor / samodejni odziv / avtomatski odgovor / samodejno odgovor",
    "hr": "automatski (odgovor|odziv)",
    "sr": "аутоматски одговор",
    "bs": "automatski odgovor",
    "mk": "автоматски одговор",
    "bg": "автоматичен отговор",
    "uk": "автоматична відповідь / автовідповідь",
    "be": "аўтаматычны адказ",
    "ru": "автоматический ответ / автоответ",
    "el": "αυτοματη απαντηση",
    "tr": "otomatik (yanit|cevap)",
    "sq": "pergjigje automatike",
    "ga": "freagra uathoibrioch",
    "mt": "twegiba awtomatika",
    "cy": "ateb awtomatig",
    "he": "תשובה אוטומטית / מענה אוטומטי / הודעה אוטומטית",
    "ar": "رد تلقائي / الرد التلقائي / (رد|الرد) آلي",
    "fa": "پاسخ خودکار",
    "hi": "स्वचालित (उत्तर|प्रत्युत्तर|जवाब) / स्वतः उत्तर",
    "bn": "স্বয়ংক্রিয় উত্তর",
    "ta": "தானியங்கு பதில்",
    "th": "(การ|)ตอบกลับอัตโนมัติ / ตอบอัตโนมัติ / การตอบกลับโดยอัตโนมัติ",
    "vi": "(tra loi|tra loi) tu dong / thu tra loi tu dong / phan hoi tu dong",
    "id": "balasan otomatis / balasan automatik / jawapan automatik / jawaban otomatis",
    "ko": "자동 ?(회신|응답|답장|답신)",
    "ja": "自動(返信|応答|回答) / 自動返答",
    "zh": "自动(回复|答复|应答) / 自動(回覆|回復|答覆|回应)",
    "ka": "ავტომატური პასუხი",
    "hy": "ավտոմատ պատասխան",
    "kk": "автоматты жауап",
    "ur": "خودکار جواب",
}  # fmt: skip
_AWAY = {
    "en": "out(-| )of(-| )(the |my |our |)(-|)office / ooo / on ~ (vacation|holiday|leave) / "
    "on (annual|parental|sick|maternity|paternity|medical|bank) / "
    "(vacation|holiday) (reply|notice|message|response|until|from) / "
    "away (from|until|till|on|for|this|next|and|:) / "
    "(currently|presently|am|be|is) (away|unavailable|travell?ing|absent|abroad|on travel) / "
    "annual leave / "
    "not (be |)(in the office|at my desk|in office|available (until|from|between)|reading|checking) / "
    "(i|we|he|she|who) (will|shall|'ll|am|are|is)( be|) (be |)(back|return|out|away|absent|"
    "unavailable) / (back|return|returning) (in the office|on|to (the |)(office|work)|at work) / "
    "limited access to / no access to ~ mail / limited (e-?mail|availability|connectivity) / "
    "(be |am )back (on|in) / away(-| )message / absence / is away",
    "de": "abwesen / nicht im (buro|haus|dienst|hause) / ausser haus / im urlaub / "
    "(in|auf) (eltern|mutterschutz|dienstreise) / "
    "(bin|ist)~(nicht erreichbar|nicht im|wieder im|wieder erreichbar|unterwegs|krank) / "
    "wieder (im buro|da|erreichbar|fur sie) / auf reisen / urlaub / nicht am arbeitsplatz / "
    "ausserhalb des buros / zuruck (am|im)",
    "nl": "afwezig / niet (aanwezig|op kantoor|bereikbaar) / (met|op) (vakantie|verlof) / buiten kantoor / "
    "terug op",
    "fr": "absen(ce|t|te)( |:|$|.|,) / en (conge|vacances|deplacement) / hors du bureau / "
    "(serai|suis)~(absent|de retour|joignable|indisponible) / (de retour|reviens) le / conges",
    "es": "fuera de (la |mi |)oficina / (de|en) vacaciones / ausen(te|cia) / "
    "no (estare|estoy|me encuentro)~(oficina|disponible) / "
    "(regreso|regresare|volver|vuelvo|reincorpor)~(el|a|en) / de (baja|permiso|viaje)",
    "pt": "(fora|ausente) do escritorio / (de|em) ferias / ausen(te|cia) / "
    "(volto|voltarei|regresso|regressarei|retorno|retornarei)~(ao|no|em|a) / de licenca / "
    "(estou|estarei) fora",
    "it": "fuori (sede|ufficio) / in ferie / assen(te|za) / (rientr|torner|saro)~(il|in|a|ufficio|assente) / "
    "non (saro|sono) (in ufficio|disponibile|reperibile) / in (congedo|maternita|malattia)",
    "ca": "fora de l'oficina / de vacances / absen(t|cia)",
    "gl": "fora da oficina / de vacacions",
    "eu": "bulegotik kanpo / oporretan",
    "ro": "(nu sunt|nu ma aflu|in afara)~(birou) / in (concediu|vacanta) / absen(t|ta) / "
    "(revin|voi reveni|ma intorc)",
    "sv": "(franvarande|franvaro) / (pa|har) (semester|ledig|tjansteresa|foraldraledig) / inte pa kontoret / "
    "ej pa kontoret / utanfor kontoret / (ater|tillbaka)~(pa kontoret|den|i tjanst) / semester",
    "da": "(fravaer|fravaerende) / (pa|holder|har|til) (ferie|barsel|orlov|fri) / "
    "ikke (pa kontoret|til stede) / (tilbage|retur)~(pa kontoret|den|igen) / ude af (huset|kontoret) / "
    "ikke pa kontoret",
    "no": "(fravaer|fravaerende|borte fra) / (pa|har|i) (ferie|permisjon|avspasering) / "
    "ikke (pa kontoret|tilgjengelig|til stede) / (tilbake)~(pa kontoret|den|igjen) / utenfor kontoret / "
    "ute av kontoret",
    "is": "(i frii|i sumarfrii|fra skrifstofu|fjarverandi|ekki vid|utan skrifstofu)",
    "fi": "(lomalla|poissa|poissaolo|vuosiloma|vapaalla|matkoilla|aitiyslomalla|virkavapaalla|"
    "en ole (tavoitettavissa|toimistolla|paikalla)) / (palaan|takaisin) / lomani",
    "et": "(puhkusel|puhkuse|eemal|kontorist valjas|ei viibi|ei ole kontoris|lahetuses|puudun|ei loe|tagasi)",
    "lv": "(atvalinajum|prombutne|prombutn|neesmu (biroja|darba)|arpus biroja|atgriezis)",
    "lt": "(atostog|nesu (biure|darbe)|ne darbe|ne biure|nebusiu|komandiruot|grisiu)",
    "pl": "nieobecn / poza biurem / (na|podczas|w trakcie) urlop / urlop / "
    "(wracam|wroce|powrot|bede dostepn|bede ponownie) / "
    "(nie ma mnie|jestem poza|przebywam)~(biur|urlop|delegac) / zwolnieni",
    "cs": "nepritom / dovolen / mimo kancelar / (vratim|jsem zpet|budu zpet|nejsem v|nebudu v|zpet v) / "
    "na mater",
    "sk": "nepritom / dovolen / mimo kancelari / (vratim|budem spat|som mimo|nie som v|nebudem v) / "
    "na materskej",
    "hu": "szabadsag / hazon kivul / (nem vagyok|nem leszek|leszek ujra|vagyok ujra)~(iroda|elerheto|bent) / "
    "tavollet / (visszater|erek vissza|ujra elerheto) / irodan kivul",
    "sl": "(dopust|odsotn|izven pisarne|nisem v pisarni|vrnem se|nazaj v pisarni|odsoten)",
    "hr": "(odsut|godisnj|na odmoru|izvan ureda|izvan kancelarije|nisam u (uredu|kancelariji)|nisam na poslu|"
    "vracam se|vratit cu|na bolovanju|nazad u)",
    "sr": "(одсут|годишњ|на одмору|ван канцеларије|нисам у канцеларији|враћам се)",
    "mk": "(отсут|годишен одмор|на одмор|не сум во)",
    "bg": "(отсъств|в отпуск|отпуск|извън офиса|няма ме|ще се върна|не съм в офиса)",
    "uk": "(відпустц|відпустк|відсутн|поза офісом|не в офісі|повернуся|у відряджен|поза межами офісу)",
    "be": "(адпачынк|адсутн)",
    "ru": "(в отпуск|отпуск|отсутств|вне офиса|не в офисе|вернусь|буду на месте|в командировк|нет на месте|"
    "нет в офисе|на больничн)",
    "el": "(εκτος γραφειου|σε αδεια|απουσια|απουσιαζ|διακοπες|επιστρεφω|θα επιστρεψω|απων)",
    "tr": "(ofis disinda|izindeyim|izinde|tatilde|yillik izin|ofiste degil|donecegim|donus|ofiste olmayacag)",
    "sq": "(jashte zyres|me pushime|mungoj)",
    "ga": "as oifig / ar saoire",
    "mt": "barra mill-ufficcju / bil-leave",
    "cy": "allan o'r swyddfa",
    "he": "(מחוץ למשרד|בחופש|בחופשה|לא במשרד|נעדר|אחזור|היעדרות|חופשת)",
    "ar": "(خارج المكتب|خارج مكتبي|إجازة|اجازة|غائب|سأعود|غير متواجد|غير موجود في المكتب)",
    "fa": "(خارج از دفتر|مرخصی|در دفتر نیستم|خارج از محل کار)",
    "hi": "(कार्यालय से बाहर|छुट्टी|अवकाश|अनुपस्थित)",
    "bn": "(অফিসের বাইরে|ছুটিতে)",
    "th": "ไม่อยู่(ที่|ใน)?(สำนักงาน|ออฟฟิศ) / ลาพักร้อน / ลาพัก / วันหยุด / ไม่อยู่ / ลาป่วย / กลับมา(ทำงาน)",
    "vi": "(vang mat|ngoai van phong|khong co mat|nghi phep|di vang|di cong tac|nghi le)",
    "id": "(di luar kantor|cuti|tidak berada di|sedang berlibur|di luar pejabat|tidak di kantor|bercuti)",
    "ko": "(부재|휴가|외근|출장|자리를 비|휴무|사무실에 없)",
    "ja": "(不在|休暇|外出|出張|休業|お休み|夏季休|年末年始|席を外)",
    "zh": "(休假|不在|外出|出差|度假|放假|请假|請假|年假|离开办公室|產假|产假|休息中)",
}  # fmt: skip
_GONE = {
    "en": "no longer (with|work|employed|at|part of|in the employ|a member|an employee|here|"
    "available at this|in use|used|active|monitored|read|maintained|checked|valid|in service|exists) / "
    "(has|have|'ve|had) (left|retired|resigned|departed|moved on from) / "
    "(left|leaving) the (company|organi|firm|business|team|university) / "
    "not (longer |)(read|monitored|in use|checked|attended) (any ?more|any longer)? / "
    "not (read|in use|used|monitored|active) any / (unattended|unmonitored|not monitored|not attended) / "
    "(mailbox|address|account|e-?mail)~(has been (closed|retired|discontinued|decommissioned|changed)|"
    "is (closed|obsolete|discontinued|retired|deprecated)|not monitored|has changed) / "
    "(my|our) (new|e-?mail) ~ address (is|has) / changed (my|our) ~ address / new (e-?mail |)address / "
    "do(es|) not work (here|for) / doesn't work here",
    "de": "zukunftig / kunftig / "
    "nicht mehr (bei|im unternehmen|fur|beschaftigt|tatig|hier|gelesen|aktiv|genutzt|verwendet|"
    "in gebrauch|gultig|abgerufen) / "
    "(hat|habe) (das|unser|die|unsere) ~ (unternehmen|firma|haus)~verlassen / ausgeschieden / "
    "(wird|werden) nicht (mehr |)(gelesen|abgerufen|bearbeitet) / neue (e-?mail-?|mail-?|)adresse / "
    "im ruhestand / mailadresse~geandert",
    "fr": "(ne travaille|ne fait|n'est|n'est) plus / a quitte / "
    "(adresse|boite)~(n'est plus|plus utilisee|desactiv|changé|change) / "
    "(plus|pas) (utilise|releve|lue|consulte) / nouvelle adresse",
    "es": "ya no (trabaj|forma|pertenece|esta|se (usa|lee|utiliza)) / "
    "(ha dejado|dejo) (de trabajar|la empresa|la compania) / (nueva direccion|direccion nueva)",
    "pt": "(ja nao|nao mais|nao) (trabalha mais|faz parte|trabalha|pertence) / deixou a (empresa|companhia) / "
    "novo (endereco|e-?mail)",
    "it": "non (lavora|fa|e) piu / ha lasciato (l'azienda|la societa|la ditta) / "
    "non (e |)piu (attiv|in uso|letta|utilizzat) / nuovo indirizzo",
    "nl": "(niet meer|niet langer)~(werkzaam|in dienst|gelezen|gebruik|actief|bij) / (heeft|hebben)~verlaten / "
    "nieuw (e-?mail|)adres",
    "sv": "(inte langre|slutat|har lamnat|laser inte|ar inte langre|anvands inte)",
    "da": "(ikke laengere|fratradt|har forladt|er stoppet|laeses ikke|ikke mere ansat|stoppet hos)",
    "no": "(ikke lenger|har sluttet|sluttet i|leses ikke|har forlatt)",
    "fi": "(ei ole enaa|ei enaa|on lahtenyt|siirtynyt|ei lueta|poistunut)",
    "et": "(enam ei|ei tooota|ei loeta|on lahkunud)",
    "lv": "(vairs (nestrada|netiek|nav))",
    "lt": "(nebedirba|nebenaudojam|nebeskait)",
    "pl": "(juz nie|nie) (pracuj|jest (juz |)(pracownik|zatrudnion)|uzywan|odczytywan) / "
    "(odszedl|odeszla|zakonczyl) / nie jest juz / juz (tu |)nie pracuj / nowy adres",
    "cs": "(jiz|uz) (zde |u nas |)(nepracuj|neni|nezpracov|nevyuz) / (odesel|odesla) / "
    "(schranka|adresa)~(nepouziv|neni|zrusen)",
    "sk": "(uz|viac) (tu |u nas |)(nepracuj|nie je) / (odisiel|odisla)",
    "hu": "mar nem (dolgozik|a ceg|hasznal|olvas|munkatars) / (tavozott|elhagyta) / (megszunt|nem hasznalt) / "
    "uj (e-?mail |)cim",
    "ro": "nu mai (lucreaza|face parte|este) / a (parasit|plecat)",
    "bg": "(вече не|напусна)",
    "el": "(δεν εργαζεται πλεον|πλεον δεν|εχει αποχωρησει|αποχωρησ)",
    "hr": "(vise ne radi|vise nije|napustio|napustila|ne koristi se|vise se ne)",
    "sr": "(више не ради|више није|напустио)",
    "sl": "(ni vec|ne dela vec|zapustil|vec ne dela)",
    "uk": "(більше не (працю|викорис)|звільни|вже не працю)",
    "ru": "(больше не (работ|использ|чита|обслуж)|уже не работ|уволил|не работает (больше|в)|покинул)",
    "tr": "(artik (calism|bu|burada|kullan|sirketi)|isten ayril|ayrilmistir)",
    "he": "(כבר לא עובד|אינו עובד|אינה עובדת|עזב|לא עובד)",
    "ar": "(لم يعد|لا يعمل|ترك العمل|غادر الشركة)",
    "ja": "(退職|退社|異動|使用されておりません|廃止|使われておりません|利用しておりません)",
    "ko": "(퇴사|퇴직|더 이상|더이상|사용하지 않)",
    "zh": "(已离职|離職|离职|不再(使用|工作|任职|担任)|已停用|退休)",
    "th": "(ไม่ได้ทำงาน|ลาออก|เลิกใช้)",
    "vi": "(khong con lam|da nghi viec|khong con (su dung|hoat dong))",
    "id": "(tidak lagi|sudah tidak bekerja|telah mengundurkan|sudah keluar)",
    "hi": "अब~(काम नहीं|कार्यरत नहीं)",
}  # fmt: skip

AUTOMATIC_REPLY = Phrases(_AUTOMATIC_REPLY)
"""How Exchange and others begin the subject of an automatic reply."""
AWAY = Phrases(_AWAY)
"""That somebody is away for a time."""
GONE = Phrases(_GONE)
"""That somebody, or a mailbox, is there no longer."""
